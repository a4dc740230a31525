// SPDX-License-Identifier: GPL-2.0
/*
 * How many threads can write and flush, and how many flushes that takes: process
 * 1 of a virtual machine with several processors.  QEMU emulates them in turn, and
 * time is a matter of how many instructions they execute (icount).
 *
 * Threads of dm-rq-load that write and call fdatasync go to the disk of
 * disk/dm-rq-disk.c, which flushes once at a time, and to multipath on it.  The
 * command line of the kernel has:
 *
 *	setups=SETUP[,SETUP]...		raw, bio: bio-based multipath, an ordered
 *					mode, or stock: a kernel without them
 *	queues=N[,N]...			hardware queues, of the disk and above
 *	threads=N[,N]...		threads; the first is on the first processor,
 *					the second on the next one
 *	seeds=N[,N]...			of places and thinking times
 *	milliseconds=N			how long each load lasts
 *	io_ns=N, flush_ns=N		what the disk takes
 *
 * Each figure is a line "scale setup=SETUP cpus=N queues=N seed=N flushes=N", where
 * flushes are those of the disk, followed by the line of dm-rq-load.  The last line is
 * "scale done"; where that is missing something went wrong, and the line before
 * says what.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "guest.h"

#define MODULE		"/dm-rq-disk.ko"
#define LOAD		"/dm-rq-load"
#define DISK		"/dev/bench"
#define FLUSHES		"/sys/module/dm_rq_disk/parameters/flushes"
#define HW_QUEUES	"/sys/module/dm_mod/parameters/dm_mq_nr_hw_queues"

struct load {
	const char *setup;
	const char *queues;
	const char *threads;
	const char *seed;
};

static const char *milliseconds;

/* Call a function for each word of a list. */
static void with_each_word(const char *list, struct load *load,
			   const char **where, void (*fn)(struct load *load))
{
	char copy[128], *word, *next;

	snprintf(copy, sizeof(copy), "%s", list);
	for (word = strtok_r(copy, ",", &next); word;
	     word = strtok_r(NULL, ",", &next)) {
		*where = word;
		fn(load);
	}
}

static unsigned long flushes(void)
{
	char text[32];

	read_file(FLUSHES, text, sizeof(text));
	return strtoul(text, NULL, 0);
}

static void become_load(const struct load *load, const char *device,
			int output)
{
	char cpus[16];

	snprintf(cpus, sizeof(cpus), "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	dup2(output, STDOUT_FILENO);
	execl(LOAD, LOAD, "-f", load->threads, "-t", milliseconds, "-s",
	      load->seed, "-c", cpus, device, NULL);
	exit(127);
}

static void run_load(const struct load *load, const char *device, char *line,
		     int size)
{
	int pipes[2], length = 0, n, status;
	pid_t child;

	if (pipe(pipes))
		die("making a pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		become_load(load, device, pipes[1]);
	close(pipes[1]);
	while ((n = read(pipes[0], line + length, size - 1 - length)) > 0)
		length += n;
	close(pipes[0]);
	line[length] = 0;
	if (waitpid(child, &status, 0) != child || status)
		die("the load, status %d", status);
}

static void measure(const struct load *load, const char *device)
{
	unsigned long before = flushes();
	char line[256];

	run_load(load, device, line, sizeof(line));
	printf("scale setup=%s cpus=%ld queues=%s seed=%s flushes=%lu %s",
	       load->setup, sysconf(_SC_NPROCESSORS_ONLN), load->queues,
	       load->seed, flushes() - before, line);
}

static void with_seed(struct load *load)
{
	if (!strcmp(load->setup, "raw")) {
		measure(load, DISK);
		return;
	}
	make_multipath(DISK, load->setup);
	measure(load, "/dev/dm-0");
	remove_multipath();
}

static void with_threads(struct load *load)
{
	with_each_word(word("seeds"), load, &load->seed, with_seed);
}

static void with_setup(struct load *load)
{
	with_each_word(word("threads"), load, &load->threads, with_threads);
}

static void with_queues(struct load *load)
{
	char parameters[128];

	snprintf(parameters, sizeof(parameters),
		 "queues=%s io_ns=%s flush_ns=%s", load->queues, word("io_ns"),
		 word("flush_ns"));
	load_module(MODULE, parameters);
	bare_queue(DISK);
	write_file(HW_QUEUES, load->queues);
	with_each_word(word("setups"), load, &load->setup, with_setup);
	if (syscall(SYS_delete_module, "dm_rq_disk", 0))
		die("removing %s", MODULE);
}

int main(void)
{
	struct load load = { 0 };

	load_modules();
	mount_all();
	milliseconds = word("milliseconds");
	settle();
	with_each_word(word("queues"), &load, &load.queues, with_queues);
	printf("scale done\n");
	finish();
}
