// SPDX-License-Identifier: GPL-2.0

#define _GNU_SOURCE
#include <sys/uio.h>
#include <unistd.h>
#include <linux/compiler.h>

#include "guest.h"
#include "io.h"
#include "operations.h"

static char block[IO_SIZE] __aligned(IO_SIZE);

off_t random_offset(struct place *place)
{
	return next_random(&place->random_state) % place->blocks * IO_SIZE;
}

static void do_read(struct place *place)
{
	if (pread(place->fd, block, IO_SIZE, random_offset(place)) != IO_SIZE)
		die("reading");
}

static void do_write(struct place *place)
{
	if (pwrite(place->fd, block, IO_SIZE, random_offset(place)) != IO_SIZE)
		die("writing");
}

static void do_fdatasync(struct place *place)
{
	if (fdatasync(place->fd))
		die("fdatasync");
}

static void do_sync(struct place *place)
{
	do_write(place);
	do_fdatasync(place);
}

static void do_dsync(struct place *place)
{
	struct iovec iovec = { .iov_base = block, .iov_len = IO_SIZE };

	if (pwritev2(place->fd, &iovec, 1, random_offset(place),
		     RWF_DSYNC) != IO_SIZE)
		die("writing with RWF_DSYNC");
}

const struct operation operations[] = {
	{ .name = "read", .does = do_read },
	{ .name = "write", .does = do_write },
	{ .name = "fdatasync", .does = do_fdatasync },
	{ .name = "sync", .does = do_sync },
	{ .name = "dsync", .does = do_dsync },
	{ .name = "uring_write", .does = do_uring_writes, .ios = URING_BATCH,
	  .open = open_uring, .close = close_uring },
	{ .name = "uring_sync", .does = do_uring_sync,
	  .open = open_uring, .close = close_uring },
	{ .name = "ext4", .does = do_append, .stores = true,
	  .open = open_on_ext4, .close = close_on_ext4 },
	{ }
};
