// SPDX-License-Identifier: GPL-2.0
/*
 * What an operation costs, in instructions: process 1 of a virtual machine whose
 * time stamp counter counts the instructions that it executes (QEMU's icount).
 * All are of 4 KiB, by one thread, past the page cache and at random places:
 *
 *	read, write	pread, pwrite
 *	fdatasync	with nothing written before
 *	sync		a write, and then fdatasync
 *	dsync		a write with RWF_DSYNC
 *	uring_write	a write by io_uring, 32 of which are submitted at once
 *	uring_sync	a write by io_uring, and fdatasync linked to it
 *	ext4		one more block for a file on ext4, and then fsync; only on
 *			disks that can store it
 *
 * The disks and the setups are those of disks.h.  The command line of the kernel
 * has:
 *
 *	modes=MODE[,MODE]...	"stock": a kernel that knows no ordered modes
 *	seed=N			of the random numbers, and how the heap is used
 *	count=N			operations of each kind that are counted
 *	disk=, setup=, operation=	only these, if given
 *	symbols=1		"symbol ADDRESS NAME" for each function as well
 *
 * Each figure is a line "cost DISK SETUP OPERATION INSTRUCTIONS COMMANDS", the
 * latter two for each operation; commands are those of SCSI, 0 for null_blk.
 * "memory SETUP BYTES" is what a device takes, the average of several.  The last
 * line is "cost done"; where that is missing something went wrong, and the line
 * before says what.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disks.h"
#include "guest.h"
#include "io.h"
#include "operations.h"

#define WARM_UP		500
#define DEVICES		32

static u64 random_state;

static void repeat(const struct operation *o, struct place *place,
		   unsigned long count)
{
	while (count--)
		o->does(place);
}

/* Where functions are, for whoever counts by address */
static void show_symbols(void)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char address[32], type[4], name[512];

	if (!symbols)
		die("opening kallsyms");
	while (fscanf(symbols, "%31s %3s %511s%*[^\n]", address, type,
		      name) == 3) {
		if (strchr("tTwW", type[0]) && strncmp(name, "__pfx_", 6))
			printf("symbol %s %s\n", address, name);
	}
	fclose(symbols);
}

static void measure(const struct setup *setup, const struct operation *o)
{
	struct place place = { .random_state = random_state };
	const struct disk *disk = setup->disk;
	unsigned int ios = o->ios ? o->ios : 1;
	unsigned long count = number("count") / ios, sent;
	u64 begin, end;

	place.blocks = size_of(setup->device) / IO_SIZE;
	place.fd = o->open ? o->open(setup->device) :
		   open_file(setup->device, O_RDWR | O_DIRECT);
	repeat(o, &place, WARM_UP / ios);
	sent = commands(disk);
	begin = __builtin_ia32_rdtsc();
	repeat(o, &place, count);
	end = __builtin_ia32_rdtsc();
	sent = commands(disk) - sent;
	count *= ios;
	printf("cost %s %s %s %.2f %.4f\n", disk->name, setup->name, o->name,
	       (double)(end - begin) / count, (double)sent / count);
	if (o->close)
		o->close(place.fd);
	else
		close(place.fd);
	random_state = place.random_state;
}

static void measure_storing(const struct setup *setup,
			    const struct operation *o)
{
	if (!setup->disk->forgetful)
		return;

	may_forget(setup->disk, false);
	measure(setup, o);
	may_forget(setup->disk, true);
}

static void measure_all(const struct setup *setup)
{
	const struct operation *o;

	for (o = operations; o->name; o++) {
		if (!chosen("operation", o->name))
			continue;
		if (o->stores)
			measure_storing(setup, o);
		else
			measure(setup, o);
	}
}

static u64 free_memory(void)
{
	char text[256], *found;

	read_file("/proc/meminfo", text, sizeof(text));
	found = strstr(text, "MemFree:");
	if (!found)
		die("looking for free memory");
	return strtoull(found + strlen("MemFree:"), NULL, 10) * 1024;
}

/* Of a device like the one that is there.  The first time is for caches that stay. */
static void measure_memory(const struct setup *setup)
{
	u64 took = 0;
	int times, i;

	if (setup->disk->cache_type || !strcmp(setup->name, "raw"))
		return;

	for (times = 0; times < 2; times++) {
		took = free_memory();
		for (i = 0; i < DEVICES; i++)
			make_multipath(setup->disk->device, setup->name);
		took -= free_memory();
		for (i = 0; i < DEVICES; i++)
			remove_multipath();
	}
	printf("memory %s %.1f\n", setup->name, (double)took / DEVICES);
}

/* Other addresses, other collisions, without other work. */
static void perturb(unsigned long seed)
{
	int pipes[2];

	random_state = random_start(seed);
	for (seed = next_random(&random_state) % 64; seed; seed--) {
		if (pipe(pipes))
			die("making a pipe");
	}
}

int main(void)
{
	const char *modes = word("modes");

	load_modules();
	mount_all();
	perturb(number("seed"));
	make_disks();
	settle();
	with_each_setup(modes, measure_all);
	if (!getenv("operation"))
		with_each_setup(modes, measure_memory);
	if (getenv("symbols"))
		show_symbols();
	printf("cost done\n");
	finish();
}
