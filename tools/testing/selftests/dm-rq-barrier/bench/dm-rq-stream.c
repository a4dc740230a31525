// SPDX-License-Identifier: GPL-2.0
/*
 * Ordered writing: batches of 32 asynchronous writes of 4 KiB, one after the
 * other, and a barrier after each batch.  Before each write the program thinks
 * for 1 to -k microseconds.  How it has its batches written in order:
 *
 *	-o wait		it waits for its writes, calls fdatasync, and waits
 *			for that: right on every device
 *	-o barrier	it does not wait for its writes, only for fdatasync: takes
 *			a device that has writes end before a flush is carried out
 *	-o none		it waits for nothing: its fdatasync is asynchronous as
 *			well, and the next batch follows at once.  Takes a device
 *			that is mode drain_flush, and flushes that reach it in
 *			their turn, see below
 *
 * The block layer hands on a flush from a kernel thread, and for a hardware queue
 * one at a time.  So the last one has the barrier before it completed when it
 * submits one: it would be kept otherwise, and writes that follow would reach the
 * device first.  On a machine with more processors than one, or if the program
 * did not think, that might happen all the same, and it would not notice.  The
 * place of a write is its number, so that a trace of the disk shows it.
 *
 * A line says how many batches were written, and how many a second.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/aio_abi.h>
#include <linux/types.h>

#include "io.h"

#define BATCH		32
#define THINK_MIN_NS	1000

enum order {
	ORDER_WAIT,
	ORDER_BARRIER,
	ORDER_NONE,
	NR_ORDERS,
};

static const char * const orders[NR_ORDERS] = { "wait", "barrier", "none" };

static aio_context_t aio;
static int fd;
static u64 device_blocks, random_state, blocks_written;
static s64 think_max_ns = 31000;
static void *block;
/* Of those that were submitted, how many have not completed */
static int writes_left, barriers_left;

static void think(void)
{
	s64 ns = THINK_MIN_NS + next_random(&random_state) %
		 (think_max_ns - THINK_MIN_NS + 1);
	struct timespec ts = { .tv_nsec = ns };

	while (nanosleep(&ts, &ts))
		;
}

static void submit(struct iocb *iocb)
{
	iocb->aio_fildes = fd;
	iocb->aio_data = iocb->aio_lio_opcode;
	if (syscall(SYS_io_submit, aio, 1, &iocb) != 1)
		err(1, "io_submit");
}

static void submit_write(void)
{
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_buf = (unsigned long)block,
		.aio_nbytes = IO_SIZE,
		.aio_offset = blocks_written++ % device_blocks * IO_SIZE,
	};

	submit(&iocb);
	writes_left++;
}

static void submit_barrier(void)
{
	struct iocb iocb = { .aio_lio_opcode = IOCB_CMD_FDSYNC };

	submit(&iocb);
	barriers_left++;
}

/* Take in what has completed, and wait for one if @wait. */
static void reap(int wait)
{
	struct io_event events[BATCH];
	struct timespec none = { 0 };
	int i, n;

	n = syscall(SYS_io_getevents, aio, wait, BATCH, events,
		    wait ? NULL : &none);
	if (n < 0)
		err(1, "io_getevents");
	for (i = 0; i < n; i++) {
		int barrier = events[i].data == IOCB_CMD_FDSYNC;

		if (events[i].res != (barrier ? 0 : IO_SIZE))
			errx(1, "%s: %lld", barrier ? "fdatasync" : "write",
			     (long long)events[i].res);
		if (barrier)
			barriers_left--;
		else
			writes_left--;
	}
}

static void end_batch(enum order order)
{
	if (order == ORDER_NONE) {
		reap(0);
		while (barriers_left)
			reap(1);
		submit_barrier();
		return;
	}

	while (order == ORDER_WAIT && writes_left)
		reap(1);
	if (fdatasync(fd))
		err(1, "fdatasync");
	while (writes_left)
		reap(1);
}

static void write_batch(enum order order)
{
	int i;

	for (i = 0; i < BATCH; i++) {
		think();
		submit_write();
	}
	end_batch(order);
}

static enum order to_order(const char *name)
{
	int i;

	for (i = 0; i < NR_ORDERS; i++) {
		if (!strcmp(name, orders[i]))
			return i;
	}
	errx(2, "no order \"%s\"", name);
}

static void stream(enum order order, s64 milliseconds)
{
	s64 begin = now(), end;
	unsigned long batches = 0;

	do {
		write_batch(order);
		batches++;
		end = now();
	} while (end - begin < milliseconds * (NSEC_PER_SEC / 1000));

	while (writes_left || barriers_left)
		reap(1);
	end = now();
	printf("batches=%lu per_second=%.1f\n", batches,
	       batches * (double)NSEC_PER_SEC / (end - begin));
}

int main(int argc, char **argv)
{
	enum order order = ORDER_WAIT;
	u64 seed = 1;
	s64 milliseconds = 1000;
	int option;

	while ((option = getopt(argc, argv, "o:k:t:s:")) != -1) {
		switch (option) {
		case 'o':
			order = to_order(optarg);
			break;
		case 'k':
			think_max_ns = atoll(optarg) * 1000;
			break;
		case 't':
			milliseconds = atoll(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		default:
			optind = argc;
		}
	}
	if (optind != argc - 1 || milliseconds <= 0 ||
	    think_max_ns < THINK_MIN_NS)
		errx(2, "dm-rq-stream [-o ORDER] [-k US] [-t MS] [-s SEED] DEVICE");

	fd = open_device(argv[optind], &device_blocks);
	if (posix_memalign(&block, IO_SIZE, IO_SIZE))
		errx(1, "no memory");
	if (syscall(SYS_io_setup, 4 * BATCH, &aio))
		err(1, "io_setup");
	sleep_exactly();
	random_state = random_start(seed);
	stream(order, milliseconds);
	return 0;
}
