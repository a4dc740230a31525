/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What programs have in common that are process 1 of a virtual machine which
 * measures: its set-up, multipath on a disk, and an end of everything when
 * something goes wrong.
 */

#ifndef DM_RQ_BENCH_GUEST_H
#define DM_RQ_BENCH_GUEST_H

#include <linux/compiler.h>
#include <linux/types.h>

void __noreturn __printf(1, 2) die(const char *format, ...);
/* From the command line of the kernel */
const char *word(const char *name);
unsigned long number(const char *name);
void load_module(const char *file, const char *parameters);
/* Those of the list that is there, a line for each, in order */
void load_modules(void);
void mount_all(void);
/* Let the kernel end what it does in the background after booting. */
void settle(void);
void __noreturn finish(void);

int open_file(const char *path, int flags);
void write_file(const char *path, const char *text);
void read_file(const char *path, char *text, int size);
u64 size_of(const char *device);
/*
 * Without what starts out differently from device to device: a scheduler, and
 * the throttling of writes, which takes flushes for writes of the page cache.
 */
void bare_queue(const char *device);

/*
 * The first one is /dev/dm-0, the next one dm-1; the last one is removed.  A
 * setup is "bio", bio-based, or the ordered mode of a request-based one, which is
 * "stock" on a kernel that knows none.
 */
void make_multipath(const char *disk, const char *setup);
void remove_multipath(void);

#endif
