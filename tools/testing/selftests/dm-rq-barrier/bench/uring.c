// SPDX-License-Identifier: GPL-2.0
/*
 * I/O by io_uring: many writes that are submitted at once, and a write with an
 * fdatasync that is linked to it, both in one system call.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>
#include <linux/compiler.h>

#include "guest.h"
#include "io.h"
#include "operations.h"

static struct io_uring ring;
static char block[IO_SIZE] __aligned(IO_SIZE);

int open_uring(const char *device)
{
	errno = -io_uring_queue_init(URING_BATCH, &ring, 0);
	if (errno)
		die("io_uring");
	return open_file(device, O_RDWR | O_DIRECT);
}

void close_uring(int fd)
{
	close(fd);
	io_uring_queue_exit(&ring);
}

static struct io_uring_sqe *prepare_write(struct place *place)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_write(sqe, place->fd, block, IO_SIZE,
			    random_offset(place));
	sqe->user_data = IO_SIZE;
	return sqe;
}

/* Each returns what its user_data says. */
static void submit_and_reap(unsigned int count)
{
	struct io_uring_cqe *cqe;

	if (io_uring_submit_and_wait(&ring, count) != (int)count)
		die("submitting %u", count);
	while (count--) {
		if (io_uring_wait_cqe(&ring, &cqe))
			die("waiting for io_uring");
		errno = -cqe->res;
		if (cqe->res != (int)cqe->user_data)
			die("by io_uring: %d", cqe->res);
		io_uring_cqe_seen(&ring, cqe);
	}
}

void do_uring_writes(struct place *place)
{
	unsigned int i;

	for (i = 0; i < URING_BATCH; i++)
		prepare_write(place);
	submit_and_reap(URING_BATCH);
}

void do_uring_sync(struct place *place)
{
	struct io_uring_sqe *sqe = prepare_write(place);

	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_fsync(sqe, place->fd, IORING_FSYNC_DATASYNC);
	sqe->user_data = 0;
	submit_and_reap(2);
}
