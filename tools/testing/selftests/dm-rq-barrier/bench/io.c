// SPDX-License-Identifier: GPL-2.0

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <linux/fs.h>

#include "io.h"

u64 random_start(u64 seed)
{
	return 0x9e3779b97f4a7c15 * (seed + 1);
}

u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

int open_device(const char *device, u64 *blocks)
{
	int fd = open(device, O_RDWR | O_DIRECT);
	u64 bytes;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes))
		err(1, "%s", device);
	*blocks = bytes / IO_SIZE;
	return fd;
}

s64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void sleep_exactly(void)
{
	prctl(PR_SET_TIMERSLACK, 1);
}
