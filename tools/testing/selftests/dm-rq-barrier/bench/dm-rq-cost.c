// SPDX-License-Identifier: GPL-2.0
/*
 * What an I/O costs, in instructions: process 1 of a virtual machine whose time
 * stamp counter counts the instructions that it executes (QEMU's icount).
 *
 * Reads and writes of 4 KiB, at random places, go to a null_blk that completes
 * in the call that submits: the raw disk first, then request-based multipath on
 * it, once for each ordered mode that the command line of the kernel names.
 *
 *	modes=MODE[,MODE]...	"stock": a kernel that knows no ordered modes
 *	seed=N			of the random numbers, and how the heap is used
 *	count=N			I/Os of each kind that are counted
 *
 * Each figure is a line "cost SETUP OPERATION INSTRUCTIONS-PER-I/O".  The last
 * line is "cost done"; where that is missing something went wrong, and the line
 * before says what.
 */

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
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/compiler.h>
#include <linux/dm-ioctl.h>
#include <linux/types.h>

#define IO_SIZE	4096
#define DISK_MIB	1024
#define DISK_BLOCKS	(DISK_MIB * 1024UL * 1024 / IO_SIZE)
#define DISK_SECTORS	(DISK_MIB * 2048ULL)
#define WARM_UP		500
#define NULLB		"/sys/kernel/config/nullb/n"
#define DEFAULT_MODE	"/sys/module/dm_mod/parameters/rq_ordered"
#define MODE		"/sys/block/dm-0/dm/rq_ordered"

static char block[IO_SIZE] __aligned(IO_SIZE);
static u64 random_state;

static void __noreturn __printf(1, 2) die(const char *format, ...)
{
	va_list args;

	printf("cost failed: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	reboot(RB_AUTOBOOT);
	exit(1);
}

static unsigned long number(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		die("%s= is missing", name);
	return strtoul(value, NULL, 0);
}

static u64 next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void mount_at(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		die("mounting %s", dir);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		die("opening %s", path);
	return fd;
}

static void write_file(const char *path, const char *text)
{
	int fd = open_file(path, O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		die("writing \"%s\" to %s", text, path);
	close(fd);
}

static void make_disk(void)
{
	char size[16];

	snprintf(size, sizeof(size), "%d", DISK_MIB);
	if (mkdir(NULLB, 0755))
		die("making a null_blk");
	write_file(NULLB "/size", size);
	write_file(NULLB "/blocksize", "4096");
	write_file(NULLB "/irqmode", "0");
	write_file(NULLB "/power", "1");
}

static void dm_command(unsigned long command, const char *name,
		       u32 flags, const char *table)
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
	arg.head.flags = flags;
	snprintf(arg.head.name, sizeof(arg.head.name), "bench");
	if (table) {
		arg.head.target_count = 1;
		arg.target.length = DISK_SECTORS;
		snprintf(arg.target.target_type,
			 sizeof(arg.target.target_type), "multipath");
		snprintf(arg.table, sizeof(arg.table), "%s", table);
	}
	control = open_file("/dev/mapper/control", O_RDWR);
	if (ioctl(control, command, &arg))
		die("device-mapper, %s", name);
	close(control);
}

static void expect_mode(const char *mode)
{
	char wanted[32], text[128] = "";
	int fd = open_file(MODE, O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) < 0)
		die("reading %s", MODE);
	close(fd);
	snprintf(wanted, sizeof(wanted), "[%s]", mode);
	if (!strstr(text, wanted))
		die("%s is \"%s\" instead of %s", MODE, text, wanted);
}

static void make_multipath(const char *mode)
{
	int stock = !strcmp(mode, "stock");
	struct stat disk;
	char table[128];

	if (stock != !!access(DEFAULT_MODE, F_OK))
		die("mode \"%s\" is not for this kernel", mode);
	if (!stock)
		write_file(DEFAULT_MODE, mode);
	if (stat("/dev/n", &disk))
		die("looking at /dev/n");
	snprintf(table, sizeof(table),
		 "2 queue_mode mq 0 1 1 round-robin 0 1 1 %u:%u 1",
		 major(disk.st_rdev), minor(disk.st_rdev));
	dm_command(DM_DEV_CREATE, "create", 0, NULL);
	dm_command(DM_TABLE_LOAD, "load", 0, table);
	dm_command(DM_DEV_SUSPEND, "resume", 0, NULL);
	if (!stock)
		expect_mode(mode);
}

static void do_io(int fd, int writing, unsigned long count)
{
	unsigned long i;

	for (i = 0; i < count; i++) {
		off_t place = next_random() % DISK_BLOCKS * IO_SIZE;
		ssize_t done = writing ? pwrite(fd, block, IO_SIZE, place) :
					 pread(fd, block, IO_SIZE, place);

		if (done != IO_SIZE)
			die("%s returned %zd", writing ? "pwrite" : "pread",
			    done);
	}
}

static void measure(const char *setup, const char *device)
{
	static const char * const names[] = { "read", "write" };
	unsigned long count = number("count");
	int fd, writing;
	u64 begin;

	fd = open_file(device, O_RDWR | O_DIRECT);
	for (writing = 0; writing < 2; writing++) {
		do_io(fd, writing, WARM_UP);
		begin = __builtin_ia32_rdtsc();
		do_io(fd, writing, count);
		printf("cost %s %s %.2f\n", setup, names[writing],
		       (double)(__builtin_ia32_rdtsc() - begin) / count);
	}
	close(fd);
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
	char *modes, *mode;

	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	mount_at("configfs", "/sys/kernel/config");
	perturb(number("seed"));
	make_disk();
	measure("raw", "/dev/n");
	modes = getenv("modes");
	for (mode = strtok(modes, ","); mode; mode = strtok(NULL, ",")) {
		make_multipath(mode);
		measure(mode, "/dev/dm-0");
		dm_command(DM_DEV_REMOVE, "remove", 0, NULL);
	}
	printf("cost done\n");
	reboot(RB_AUTOBOOT);
	return 1;
}
