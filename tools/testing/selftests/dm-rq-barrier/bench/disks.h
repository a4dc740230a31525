/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The disks of a virtual machine that counts instructions, and what is on them:
 *
 *	null	a null_blk that completes in the call that submits
 *	back	a scsi_debug disk with a volatile cache, without delays
 *	through	the same disk, turned write through
 *
 * A setup is the disk itself, "raw", bio-based multipath on it, "bio", or
 * request-based multipath, which is called by its ordered mode.
 */

#ifndef DM_RQ_BENCH_DISKS_H
#define DM_RQ_BENCH_DISKS_H

#include <stdbool.h>
#include <linux/types.h>

struct disk {
	const char *name;
	const char *device;
	const char *commands;	/* where those that it got are counted */
	const char *cache_type;	/* how to turn it into this disk */
	const char *forgetful;	/* whether it stores nothing, if it can store */
};

struct setup {
	const struct disk *disk;
	const char *name;
	const char *device;
};

void make_disks(void);

/*
 * For each disk, without multipath, with the bio-based, and with the
 * request-based one in each of the modes.  Only those are visited that the
 * command line of the kernel asks for by disk= and setup=.
 */
void with_each_setup(const char *modes,
		     void (*measure)(const struct setup *setup));

/* All are, if the command line of the kernel does not name one */
bool chosen(const char *what, const char *name);

/* How many the disk was sent; 0 for null_blk */
unsigned long commands(const struct disk *disk);
/* May it forget what is written?  It does, unless told otherwise. */
void may_forget(const struct disk *disk, bool may);

#endif
