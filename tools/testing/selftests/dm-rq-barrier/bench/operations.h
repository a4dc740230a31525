/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations whose cost is counted.
 */

#ifndef DM_RQ_BENCH_OPERATIONS_H
#define DM_RQ_BENCH_OPERATIONS_H

#include <stdbool.h>
#include <linux/types.h>

/* What an operation works on: a device, or a file on it */
struct place {
	int fd;
	u64 blocks;		/* of IO_SIZE */
	u64 random_state;
};

/*
 * @ios: how many of them a call is, 0 for 1
 * @stores: the disk has to store what is written
 * @open, @close: if it takes more than a device that is open
 */
struct operation {
	const char *name;
	void (*does)(struct place *place);
	unsigned int ios;
	bool stores;
	int (*open)(const char *device);
	void (*close)(int fd);
};

/* Ends with one that has no name */
extern const struct operation operations[];

off_t random_offset(struct place *place);

/* uring.c */
#define URING_BATCH	32
int open_uring(const char *device);
void close_uring(int fd);
void do_uring_writes(struct place *place);
void do_uring_sync(struct place *place);

/* ext4.c */
int open_on_ext4(const char *device);
void close_on_ext4(int fd);
void do_append(struct place *place);

#endif
