// SPDX-License-Identifier: GPL-2.0
/*
 * A load of threads that each do one kind of I/O, 4 KiB at random places and
 * past the page cache, think for 1 to 31 microseconds, and do it again:
 *
 *	-w THREADS	"write": pwrite
 *	-r THREADS	"read": pread
 *	-f THREADS	"sync": pwrite, then fdatasync
 *
 * With -c CPUS they are spread over so many processors, and stay there.
 *
 * Without thinking, threads fall into step with a device that takes a fixed
 * time, and what is measured is how the steps happen to fall.  Thinking times
 * and places are random, but the same for the same seed.
 *
 * For each kind that has threads a line says how many I/Os they did, how many
 * a second, and how long one took: on average, the median, the 99th percentile
 * and the longest, in nanoseconds.
 */

#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "io.h"

#define THINK_MIN_NS	1000
#define THINK_MAX_NS	31000

struct kind {
	const char *name;
	void (*io)(void *block, off_t place);
	int threads;
	u64 *took;		/* of each I/O, in ns */
	size_t done;
	size_t room;
};

struct worker {
	pthread_t thread;
	struct kind *kind;
	u64 random_state;
};

static int fd;
static u64 device_blocks;
static s64 start_time, end_time;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void do_write(void *block, off_t place)
{
	if (pwrite(fd, block, IO_SIZE, place) != IO_SIZE)
		err(1, "pwrite at %lld", (long long)place);
}

static void do_read(void *block, off_t place)
{
	if (pread(fd, block, IO_SIZE, place) != IO_SIZE)
		err(1, "pread at %lld", (long long)place);
}

static void do_sync(void *block, off_t place)
{
	do_write(block, place);
	if (fdatasync(fd))
		err(1, "fdatasync");
}

static struct kind kinds[] = {
	{ .name = "write", .io = do_write },
	{ .name = "read", .io = do_read },
	{ .name = "sync", .io = do_sync },
};

static void sleep_until(s64 when)
{
	struct timespec ts = {
		.tv_sec = when / NSEC_PER_SEC,
		.tv_nsec = when % NSEC_PER_SEC,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

static void record(struct kind *kind, u64 took)
{
	pthread_mutex_lock(&lock);
	if (kind->done == kind->room) {
		kind->room = 2 * kind->room + 1024;
		kind->took = realloc(kind->took,
				     kind->room * sizeof(*kind->took));
		if (!kind->took)
			err(1, "room for %zu results", kind->room);
	}
	kind->took[kind->done++] = took;
	pthread_mutex_unlock(&lock);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct kind *kind = worker->kind;
	s64 begin, end = start_time;
	void *block;

	if (posix_memalign(&block, IO_SIZE, IO_SIZE))
		errx(1, "no memory");
	sleep_exactly();
	while (end < end_time) {
		sleep_until(end + THINK_MIN_NS +
			    next_random(&worker->random_state) %
			    (THINK_MAX_NS - THINK_MIN_NS + 1));
		begin = now();
		kind->io(block, next_random(&worker->random_state) %
			 device_blocks * IO_SIZE);
		end = now();
		record(kind, end - begin);
	}
	free(block);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static void report(struct kind *kind)
{
	double seconds = (double)(end_time - start_time) / NSEC_PER_SEC;
	double sum = 0;
	size_t i;

	qsort(kind->took, kind->done, sizeof(*kind->took), compare);
	for (i = 0; i < kind->done; i++)
		sum += kind->took[i];
	printf("%s threads=%d done=%zu per_second=%.1f", kind->name,
	       kind->threads, kind->done, kind->done / seconds);
	printf(" mean_ns=%.0f median_ns=%llu p99_ns=%llu max_ns=%llu\n",
	       sum / kind->done,
	       (unsigned long long)kind->took[kind->done / 2],
	       (unsigned long long)kind->took[kind->done * 99 / 100],
	       (unsigned long long)kind->took[kind->done - 1]);
}

static void stay_on(struct worker *worker, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (pthread_setaffinity_np(worker->thread, sizeof(cpus), &cpus))
		errx(1, "no processor %d", cpu);
}

static void start_workers(struct worker *workers, u64 seed, int cpus)
{
	struct worker *worker = workers;
	struct kind *kind;
	int i;

	for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++) {
		for (i = 0; i < kind->threads; i++, worker++) {
			worker->kind = kind;
			worker->random_state = random_start(seed * 1000 +
							    worker - workers);
			if (pthread_create(&worker->thread, NULL, work, worker))
				err(1, "pthread_create");
			if (cpus)
				stay_on(worker, (worker - workers) % cpus);
		}
	}
}

static void usage(void)
{
	errx(2, "dm-rq-load {-w|-r|-f} THREADS... [-t MS] [-s SEED] [-c CPUS] DEVICE");
}

int main(int argc, char **argv)
{
	u64 seed = 1;
	s64 milliseconds = 1000;
	struct worker *workers;
	struct kind *kind;
	int option, total, cpus = 0, i;

	while ((option = getopt(argc, argv, "w:r:f:t:s:c:")) != -1) {
		switch (option) {
		case 'w':
			kinds[0].threads = atoi(optarg);
			break;
		case 'r':
			kinds[1].threads = atoi(optarg);
			break;
		case 'f':
			kinds[2].threads = atoi(optarg);
			break;
		case 't':
			milliseconds = atoll(optarg);
			break;
		case 'c':
			cpus = atoi(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		default:
			usage();
		}
	}
	total = kinds[0].threads + kinds[1].threads + kinds[2].threads;
	if (optind != argc - 1 || total <= 0 || milliseconds <= 0)
		usage();

	fd = open_device(argv[optind], &device_blocks);
	workers = calloc(total, sizeof(*workers));
	if (!workers)
		err(1, "no memory");

	/* Late enough that all threads are there. */
	start_time = now() + NSEC_PER_SEC / 10;
	end_time = start_time + milliseconds * (NSEC_PER_SEC / 1000);
	start_workers(workers, seed, cpus);
	for (i = 0; i < total; i++)
		pthread_join(workers[i].thread, NULL);
	for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++) {
		if (kind->threads)
			report(kind);
	}
	return 0;
}
