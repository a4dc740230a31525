// SPDX-License-Identifier: GPL-2.0
/*
 * What an operation costs, in instructions: process 1 of a virtual machine whose
 * time stamp counter counts the instructions that it executes (QEMU's icount).
 *
 *	read, write	of 4 KiB, at random places
 *	fdatasync	with nothing written before
 *	sync		a write, and then fdatasync
 *
 * They go to a disk, then to bio-based multipath on it, and then to request-based
 * multipath, once for each ordered mode that the command line of the kernel names.
 * There are three disks:
 *
 *	null	a null_blk that completes in the call that submits
 *	back	a scsi_debug disk with a volatile cache, without delays
 *	through	the same disk, turned write through
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
#include <sys/stat.h>
#include <unistd.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "guest.h"

#define IO_SIZE	4096
#define NULLB_MIB	1024
#define WARM_UP		500
#define DEVICES		32
#define NULLB		"/sys/kernel/config/nullb/n"
#define SCSI_DISK	"/dev/sda"
#define CACHE_TYPE	"/sys/class/scsi_disk/0:0:0:0/cache_type"
#define COMMANDS	"/sys/block/sda/device/iorequest_cnt"

struct disk {
	const char *name;
	const char *device;
	const char *commands;	/* where those that it got are counted */
	const char *cache_type;	/* how to turn it into this disk */
};

static const struct disk disks[] = {
	{ .name = "null", .device = "/dev/n" },
	{ .name = "back", .device = SCSI_DISK, .commands = COMMANDS,
	  .cache_type = "temporary write back" },
	{ .name = "through", .device = SCSI_DISK, .commands = COMMANDS,
	  .cache_type = "temporary write through" },
};

static char block[IO_SIZE] __aligned(IO_SIZE);
static u64 random_state;

static u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void make_nullb(void)
{
	char size[16];

	snprintf(size, sizeof(size), "%d", NULLB_MIB);
	if (mkdir(NULLB, 0755))
		die("making a null_blk");
	write_file(NULLB "/size", size);
	write_file(NULLB "/blocksize", "4096");
	write_file(NULLB "/irqmode", "0");
	write_file(NULLB "/power", "1");
}

/* Disks are found in the background. */
static void wait_for_scsi_disk(void)
{
	int tries;

	for (tries = 0; access(SCSI_DISK, F_OK) || access(CACHE_TYPE, F_OK);
	     tries++) {
		if (tries == 1000)
			die("waiting for %s", SCSI_DISK);
		usleep(10000);
	}
}

static void do_read(int fd, off_t place)
{
	if (pread(fd, block, IO_SIZE, place) != IO_SIZE)
		die("reading");
}

static void do_write(int fd, off_t place)
{
	if (pwrite(fd, block, IO_SIZE, place) != IO_SIZE)
		die("writing");
}

static void do_fdatasync(int fd, off_t place)
{
	if (fdatasync(fd))
		die("fdatasync");
}

static void do_sync(int fd, off_t place)
{
	do_write(fd, place);
	do_fdatasync(fd, place);
}

static const struct operation {
	const char *name;
	void (*does)(int fd, off_t place);
} operations[] = {
	{ "read", do_read },
	{ "write", do_write },
	{ "fdatasync", do_fdatasync },
	{ "sync", do_sync },
};

static unsigned long commands(const struct disk *disk)
{
	char text[32];

	if (!disk->commands)
		return 0;
	read_file(disk->commands, text, sizeof(text));
	return strtoul(text, NULL, 0);
}

static void repeat(const struct operation *o, int fd, u64 blocks,
		   unsigned long count)
{
	while (count--)
		o->does(fd, next_random() % blocks * IO_SIZE);
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

/* All are, if the command line does not name one */
static int chosen(const char *what, const char *name)
{
	const char *only = getenv(what);

	return !only || !strcmp(only, name);
}

static void measure(const struct disk *disk, const char *setup,
		    const char *device)
{
	unsigned long count = number("count"), sent;
	u64 blocks = size_of(device) / IO_SIZE, begin, end;
	const struct operation *o;
	int fd = open_file(device, O_RDWR | O_DIRECT);

	for (o = operations; o < operations + ARRAY_SIZE(operations); o++) {
		if (!chosen("operation", o->name))
			continue;
		repeat(o, fd, blocks, WARM_UP);
		sent = commands(disk);
		begin = __builtin_ia32_rdtsc();
		repeat(o, fd, blocks, count);
		end = __builtin_ia32_rdtsc();
		sent = commands(disk) - sent;
		printf("cost %s %s %s %.2f %.4f\n", disk->name, setup, o->name,
		       (double)(end - begin) / count, (double)sent / count);
	}
	close(fd);
}

static void measure_multipath(const struct disk *disk, const char *setup)
{
	measure(disk, setup, "/dev/dm-0");
	remove_multipath();
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

/* The first time is for caches that stay. */
static void measure_memory(const char *device, const char *mode)
{
	u64 took = 0;
	int times, i;

	for (times = 0; times < 2; times++) {
		took = free_memory();
		for (i = 0; i < DEVICES; i++)
			make_multipath(device, mode);
		took -= free_memory();
		for (i = 0; i < DEVICES; i++)
			remove_multipath();
	}
	printf("memory %s %.1f\n", mode, (double)took / DEVICES);
}

static void measure_disk(const struct disk *disk, const char *modes)
{
	char list[64], *mode;

	bare_queue(disk->device);
	if (disk->cache_type)
		write_file(CACHE_TYPE, disk->cache_type);
	if (chosen("setup", "raw"))
		measure(disk, "raw", disk->device);
	if (chosen("setup", "bio")) {
		make_bio_multipath(disk->device);
		measure_multipath(disk, "bio");
	}
	snprintf(list, sizeof(list), "%s", modes);
	for (mode = strtok(list, ","); mode; mode = strtok(NULL, ",")) {
		if (!chosen("setup", mode))
			continue;
		make_multipath(disk->device, mode);
		measure_multipath(disk, mode);
		if (!disk->cache_type && !getenv("operation"))
			measure_memory(disk->device, mode);
	}
}

/* Other addresses, other collisions, without other work. */
static void perturb(unsigned long seed)
{
	int pipes[2];

	random_state = 0x9e3779b97f4a7c15 * (seed + 1);
	for (seed = next_random() % 64; seed; seed--) {
		if (pipe(pipes))
			die("making a pipe");
	}
}

int main(void)
{
	const char *modes = word("modes");
	size_t i;

	load_modules();
	mount_all();
	perturb(number("seed"));
	make_nullb();
	wait_for_scsi_disk();
	settle();
	for (i = 0; i < ARRAY_SIZE(disks); i++) {
		if (chosen("disk", disks[i].name))
			measure_disk(&disks[i], modes);
	}
	if (getenv("symbols"))
		show_symbols();
	printf("cost done\n");
	finish();
}
