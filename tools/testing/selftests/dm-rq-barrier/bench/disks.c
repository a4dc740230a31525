// SPDX-License-Identifier: GPL-2.0

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/kernel.h>

#include "disks.h"
#include "guest.h"

#define NULLB_MIB	1024
#define NULLB		"/sys/kernel/config/nullb/n"
#define SCSI_DISK	"/dev/sda"
#define CACHE_TYPE	"/sys/class/scsi_disk/0:0:0:0/cache_type"
#define COMMANDS	"/sys/block/sda/device/iorequest_cnt"
#define FAKE_RW		"/sys/bus/pseudo/drivers/scsi_debug/fake_rw"

static const struct disk disks[] = {
	{ .name = "null", .device = "/dev/n" },
	{ .name = "back", .device = SCSI_DISK, .commands = COMMANDS,
	  .cache_type = "temporary write back", .forgetful = FAKE_RW },
	{ .name = "through", .device = SCSI_DISK, .commands = COMMANDS,
	  .cache_type = "temporary write through", .forgetful = FAKE_RW },
};

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

void make_disks(void)
{
	make_nullb();
	wait_for_scsi_disk();
}

bool chosen(const char *what, const char *name)
{
	const char *only = getenv(what);

	return !only || !strcmp(only, name);
}

static void with_setup(const struct disk *disk, const char *name,
		       void (*measure)(const struct setup *setup))
{
	struct setup setup = { .disk = disk, .name = name };
	bool raw = !strcmp(name, "raw");

	if (!chosen("setup", name))
		return;

	setup.device = raw ? disk->device : "/dev/dm-0";
	if (!raw)
		make_multipath(disk->device, name);
	measure(&setup);
	if (!raw)
		remove_multipath();
}

static void with_disk(const struct disk *disk, const char *modes,
		      void (*measure)(const struct setup *setup))
{
	char list[64], *mode;

	bare_queue(disk->device);
	if (disk->cache_type)
		write_file(CACHE_TYPE, disk->cache_type);
	with_setup(disk, "raw", measure);
	with_setup(disk, "bio", measure);
	snprintf(list, sizeof(list), "%s", modes);
	for (mode = strtok(list, ","); mode; mode = strtok(NULL, ","))
		with_setup(disk, mode, measure);
}

void with_each_setup(const char *modes,
		     void (*measure)(const struct setup *setup))
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(disks); i++) {
		if (chosen("disk", disks[i].name))
			with_disk(&disks[i], modes, measure);
	}
}

unsigned long commands(const struct disk *disk)
{
	char text[32];

	if (!disk->commands)
		return 0;
	read_file(disk->commands, text, sizeof(text));
	return strtoul(text, NULL, 0);
}

void may_forget(const struct disk *disk, bool may)
{
	write_file(disk->forgetful, may ? "1" : "0");
}
