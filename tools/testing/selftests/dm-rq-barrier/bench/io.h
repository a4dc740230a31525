/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What programs that do I/O have in common: its size, where it goes, and the time.
 */

#ifndef DM_RQ_BENCH_IO_H
#define DM_RQ_BENCH_IO_H

#include <linux/types.h>

#define IO_SIZE		4096
#define NSEC_PER_SEC	1000000000LL

/* The state that random numbers begin with, the same for the same seed */
u64 random_start(u64 seed);
u64 next_random(u64 *state);

/* Past the page cache, and how many I/Os it has room for */
int open_device(const char *device, u64 *blocks);

s64 now(void);
/* Sleep as long as asked, not up to 50 us longer. */
void sleep_exactly(void);

#endif
