// SPDX-License-Identifier: GPL-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>

#include "guest.h"

#define MODULES		"/modules"
#define DEFAULT_MODE	"/sys/module/dm_mod/parameters/rq_ordered"
#define MODE		"/sys/block/dm-%d/dm/rq_ordered"

/* What the kernel does once it has booted, in seconds of its own time */
#define SETTLE_SECONDS	30

/* How many devices there are */
static int devices;

void __noreturn __printf(1, 2) die(const char *format, ...)
{
	va_list args;

	printf("failed: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	finish();
}

void __noreturn finish(void)
{
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	exit(1);
}

const char *word(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		die("%s= is missing", name);
	return value;
}

unsigned long number(const char *name)
{
	return strtoul(word(name), NULL, 0);
}

void load_module(const char *file, const char *parameters)
{
	int fd = open_file(file, O_RDONLY);

	if (syscall(SYS_finit_module, fd, parameters, 0))
		die("loading %s", file);
	close(fd);
}

void load_modules(void)
{
	FILE *list = fopen(MODULES, "r");
	char line[256], *parameters;

	if (!list)
		die("opening %s", MODULES);
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = 0;
		parameters = strchrnul(line, ' ');
		if (*parameters)
			*parameters++ = 0;
		load_module(line, parameters);
	}
	fclose(list);
}

static void mount_at(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		die("mounting %s", dir);
}

void mount_all(void)
{
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	if (!access("/sys/kernel/config", F_OK))
		mount_at("configfs", "/sys/kernel/config");
}

/* While nobody has anything to do, time passes at once. */
void settle(void)
{
	sleep(SETTLE_SECONDS);
}

int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		die("opening %s", path);
	return fd;
}

void write_file(const char *path, const char *text)
{
	int fd = open_file(path, O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		die("writing \"%s\" to %s", text, path);
	close(fd);
}

void read_file(const char *path, char *text, int size)
{
	int fd = open_file(path, O_RDONLY);
	ssize_t length = read(fd, text, size - 1);

	if (length < 0)
		die("reading %s", path);
	text[length] = 0;
	close(fd);
}

static void set_queue(const char *device, const char *attribute,
		      const char *value)
{
	char file[64];

	snprintf(file, sizeof(file), "/sys/block/%s/queue/%s",
		 strrchr(device, '/') + 1, attribute);
	write_file(file, value);
}

void bare_queue(const char *device)
{
	set_queue(device, "scheduler", "none");
	set_queue(device, "wbt_lat_usec", "0");
}

u64 size_of(const char *device)
{
	int fd = open_file(device, O_RDONLY);
	u64 bytes;

	if (ioctl(fd, BLKGETSIZE64, &bytes))
		die("size of %s", device);
	close(fd);
	return bytes;
}

static void dm_command(unsigned long command, const char *name,
		       u64 sectors, const char *table)
{
	static struct {
		struct dm_ioctl head;
		struct dm_target_spec target;
		char table[256];
	} arg;
	int control;

	memset(&arg, 0, sizeof(arg));
	arg.head.version[0] = DM_VERSION_MAJOR;
	arg.head.data_size = sizeof(arg);
	arg.head.data_start = offsetof(typeof(arg), target);
	snprintf(arg.head.name, sizeof(arg.head.name), "bench%d", devices);
	if (table) {
		arg.head.target_count = 1;
		arg.target.length = sectors;
		snprintf(arg.target.target_type,
			 sizeof(arg.target.target_type), "multipath");
		snprintf(arg.table, sizeof(arg.table), "%s", table);
	}
	control = open_file("/dev/mapper/control", O_RDWR);
	if (ioctl(control, command, &arg))
		die("device-mapper, %s", name);
	close(control);
}

static void make_in_queue_mode(const char *disk, const char *queue_mode)
{
	struct stat path;
	char table[128];

	if (stat(disk, &path))
		die("looking at %s", disk);
	snprintf(table, sizeof(table),
		 "2 queue_mode %s 0 1 1 round-robin 0 1 1 %u:%u 1", queue_mode,
		 major(path.st_rdev), minor(path.st_rdev));
	dm_command(DM_DEV_CREATE, "create", 0, NULL);
	dm_command(DM_TABLE_LOAD, "load", size_of(disk) >> 9, table);
	dm_command(DM_DEV_SUSPEND, "resume", 0, NULL);
}

static void expect_mode(const char *mode)
{
	char file[64], wanted[32], text[128];

	snprintf(file, sizeof(file), MODE, devices);
	read_file(file, text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "[%s]", mode);
	if (!strstr(text, wanted))
		die("%s is \"%s\" instead of %s", file, text, wanted);
}

static void make_bio_multipath(const char *disk)
{
	make_in_queue_mode(disk, "bio");
	devices++;
}

static void make_rq_multipath(const char *disk, const char *mode)
{
	int stock = !strcmp(mode, "stock");
	char device[16];

	if (stock != !!access(DEFAULT_MODE, F_OK))
		die("mode \"%s\" is not for this kernel", mode);
	if (!stock)
		write_file(DEFAULT_MODE, mode);
	make_in_queue_mode(disk, "mq");
	if (!stock)
		expect_mode(mode);
	snprintf(device, sizeof(device), "/dev/dm-%d", devices);
	bare_queue(device);
	devices++;
}

void make_multipath(const char *disk, const char *setup)
{
	if (!strcmp(setup, "bio"))
		make_bio_multipath(disk);
	else
		make_rq_multipath(disk, setup);
}

void remove_multipath(void)
{
	devices--;
	dm_command(DM_DEV_REMOVE, "remove", 0, NULL);
}
