// SPDX-License-Identifier: GPL-2.0
/*
 * What fio sees of an operation: process 1 of a virtual machine in which an
 * instruction takes a nanosecond (QEMU's icount).  One thread of fio writes 4 KiB
 * at random places, past the page cache, and calls fdatasync after each write.
 *
 * The disks and the setups are those of disks.h.  The command line of the kernel
 * has:
 *
 *	modes=MODE[,MODE]...	"stock": a kernel that knows no ordered modes
 *	seed=N			of fio's random numbers
 *	count=N			writes
 *	disk=, setup=		only these, if given
 *
 * After a line "fio DISK SETUP" comes what fio says, as JSON.  The last line is
 * "fio done"; where that is missing something went wrong, and the line before says
 * what.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disks.h"
#include "guest.h"

#define FIO	"/fio"

/* Without threads that wake up now and then to look how far it is. */
static void become_fio(const char *device)
{
	static char file[64], seed[64], count[64];

	snprintf(file, sizeof(file), "--filename=%s", device);
	snprintf(seed, sizeof(seed), "--randseed=%s", word("seed"));
	snprintf(count, sizeof(count), "--number_ios=%s", word("count"));
	execl(FIO, FIO, "--output-format=json", "--eta=never", "--disk_util=0",
	      "--clocksource=clock_gettime", "--thread", "--name=sync", file,
	      seed, count, "--ioengine=psync", "--rw=randwrite", "--bs=4k",
	      "--direct=1", "--fdatasync=1", "--norandommap", NULL);
	exit(127);
}

static void measure(const struct setup *setup)
{
	pid_t child;
	int status;

	printf("fio %s %s\n", setup->disk->name, setup->name);
	fflush(stdout);
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		become_fio(setup->device);
	if (waitpid(child, &status, 0) != child || status)
		die("fio, status %d", status);
}

int main(void)
{
	load_modules();
	mount_all();
	make_disks();
	settle();
	with_each_setup(word("modes"), measure);
	printf("fio done\n");
	finish();
}
