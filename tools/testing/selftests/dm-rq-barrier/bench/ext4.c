// SPDX-License-Identifier: GPL-2.0
/*
 * A file on ext4 that grows and is synced: each time the journal commits, by a
 * write with a pre-flush and FUA.  The file system was made outside, and is copied.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/compiler.h>

#include "guest.h"
#include "io.h"
#include "operations.h"

#define IMAGE	"/ext4.img"
#define MNT	"/mnt"

static char block[IO_SIZE] __aligned(IO_SIZE);

static void copy_image(const char *device)
{
	int from = open_file(IMAGE, O_RDONLY);
	int to = open_file(device, O_WRONLY | O_DIRECT);

	while (read(from, block, IO_SIZE) == IO_SIZE) {
		if (write(to, block, IO_SIZE) != IO_SIZE)
			die("copying %s", IMAGE);
	}
	close(from);
	close(to);
}

int open_on_ext4(const char *device)
{
	int fd;

	copy_image(device);
	mkdir(MNT, 0755);
	if (mount(device, MNT, "ext4", 0, NULL))
		die("mounting %s", device);
	fd = open(MNT "/file", O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		die("creating a file");
	return fd;
}

void close_on_ext4(int fd)
{
	close(fd);
	if (umount(MNT))
		die("umount");
}

void do_append(struct place *place)
{
	if (write(place->fd, block, IO_SIZE) != IO_SIZE)
		die("appending");
	if (fsync(place->fd))
		die("fsync");
}
