// SPDX-License-Identifier: GPL-2.0
/*
 * torture-load DEVICE FIRST BLOCKS WRITERS SEED LOG [WITNESS]
 *
 * Writers that stamp blocks of a device, in a region of BLOCKS blocks of 4 KiB
 * from block FIRST on, until the power of the device is cut.  Each has a part of
 * the region for itself and does at random, past the page cache:
 *
 *   - writes of one to four blocks that nobody waits for, several at a time;
 *   - writes with RWF_DSYNC, asynchronous ones, since the kernel adds a flush
 *     to those that are synchronous: FUA writes, or a write and its post-flush;
 *   - fdatasync.
 *
 * Two writes to one block are never in flight at a time, so their order is known.
 *
 * A block says who wrote it and when (struct stamp), and has a checksum in its
 * last four bytes: CRC-32 as in zlib.
 *
 * LOG gets a line for each step.  Lines are in the order in which things happen,
 * also between writers:
 *
 *	S WRITER SEQ BLOCK COUNT w|f	is going to be submitted; f: RWF_DSYNC
 *	C WRITER SEQ			has completed
 *	B WRITER FLUSH			an fdatasync begins
 *	E WRITER FLUSH			and has succeeded
 *	X WRITER ERRNO			gives up
 *
 * So when "E 1 7" is there, every write whose C comes before "B 1 7" has to
 * survive, and so has each write with RWF_DSYNC that has its C.  These two, E and
 * the C of such a write, are acknowledgments: WITNESS, which is out of reach of
 * whatever happens to this system, gets them too, before the next step.
 *
 * The status is 0 if all writers were stopped by an error of the device.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/types.h>

#define STAMPED_SIZE	4096
#define BLOCKS_MAX	4	/* of one write */
#define DEPTH		16	/* writes that one writer has in flight */
#define LOG_SIZE	(16 << 20)
#define LINE_MAX_LEN	64
#define STAMP_MAGIC	0x72746f74716d6472ULL	/* "rdmqtotr" */
#define THINK_MAX_NS	200000

struct stamp {
	__u64 magic;
	__u64 seed;
	__u64 block;
	__u32 writer;
	__u32 seq;
};

struct io {
	struct iocb iocb;
	char *data;
	unsigned int seq;
	unsigned int first;	/* in the writer's part */
	unsigned int count;
	bool busy;
	bool fua;
};

struct writer {
	pthread_t thread;
	aio_context_t context;
	unsigned int id;
	unsigned int seq;
	unsigned int flushes;
	unsigned int in_flight;
	unsigned int cursor;	/* fresh blocks begin here */
	__u64 random;
	bool *locked;		/* blocks with a write in flight */
	struct io ios[DEPTH];
};

static int fd, witness = -1;
static __u64 first_block, seed;
static unsigned int part_blocks;
static __u32 crc_table[256];

static char *log_text;
static size_t log_used;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- the log -------------------------------------------------------------- */

/* It is a mapped file, so that what is in it stays if this program is killed. */
static void open_log(const char *name)
{
	int log_fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (log_fd < 0 || ftruncate(log_fd, LOG_SIZE))
		err(1, "%s", name);
	log_text = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			log_fd, 0);
	if (log_text == MAP_FAILED)
		err(1, "%s", name);
}

static void note(bool acknowledged, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);

	pthread_mutex_lock(&log_lock);
	if (log_used + len > LOG_SIZE)
		errx(1, "the log is full");
	memcpy(log_text + log_used, line, len);
	log_used += len;
	pthread_mutex_unlock(&log_lock);

	if (acknowledged && witness >= 0 && write(witness, line, len) != len)
		err(1, "the witness");
}

/* --- blocks --------------------------------------------------------------- */

static void make_crc_table(void)
{
	unsigned int i, bit;

	for (i = 0; i < 256; i++) {
		__u32 crc = i;

		for (bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320 : 0);
		crc_table[i] = crc;
	}
}

static __u32 crc32(const unsigned char *data, size_t len)
{
	__u32 crc = ~0U;

	while (len--)
		crc = (crc >> 8) ^ crc_table[(crc ^ *data++) & 0xff];
	return ~crc;
}

/* splitmix64, by Sebastiano Vigna */
static __u64 next_random(__u64 *state)
{
	__u64 z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static unsigned int below(struct writer *w, unsigned int limit)
{
	return next_random(&w->random) % limit;
}

static __u64 part_start(const struct writer *w)
{
	return first_block + (__u64)w->id * part_blocks;
}

static void stamp_block(char *data, const struct writer *w,
			const struct io *io, unsigned int i)
{
	struct stamp stamp = {
		.magic = STAMP_MAGIC,
		.seed = seed,
		.block = part_start(w) + io->first + i,
		.writer = w->id,
		.seq = io->seq,
	};
	__u64 state = seed ^ stamp.block << 32 ^ io->seq;
	__u64 *words = (__u64 *)data;
	unsigned int word;
	__u32 crc;

	for (word = 0; word < STAMPED_SIZE / sizeof(*words); word++)
		words[word] = next_random(&state);
	memcpy(data, &stamp, sizeof(stamp));
	crc = crc32((unsigned char *)data, STAMPED_SIZE - sizeof(crc));
	memcpy(data + STAMPED_SIZE - sizeof(crc), &crc, sizeof(crc));
}

/* --- writes --------------------------------------------------------------- */

/* May these blocks be written now?  They are locked if so. */
static bool lock_blocks(struct writer *w, unsigned int first,
			unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (w->locked[first + i])
			return false;
	memset(w->locked + first, true, count);
	return true;
}

/*
 * Mostly blocks that were never written: null_blk keeps in its cache only what
 * the disk behind it does not have.  At the end of the part it goes back.
 */
static bool choose_blocks(struct writer *w, struct io *io)
{
	unsigned int gap = below(w, 4);

	io->count = 1 + below(w, BLOCKS_MAX);
	if (below(w, 8) && w->cursor + gap + io->count <= part_blocks) {
		io->first = w->cursor + gap;
		w->cursor += gap + io->count;
	} else {
		io->first = below(w, part_blocks - io->count);
	}
	return lock_blocks(w, io->first, io->count);
}

static struct io *idle_io(struct writer *w)
{
	unsigned int i;

	for (i = 0; i < DEPTH; i++)
		if (!w->ios[i].busy)
			return &w->ios[i];
	return NULL;
}

/* Returns a negative errno value on error. */
static int submit(struct writer *w, bool fua)
{
	struct io *io = idle_io(w);
	struct iocb *iocb;
	unsigned int i;

	if (!io || !choose_blocks(w, io))
		return 0;
	io->seq = ++w->seq;
	io->fua = fua;
	for (i = 0; i < io->count; i++)
		stamp_block(io->data + i * STAMPED_SIZE, w, io, i);
	io->iocb = (struct iocb) {
		.aio_data = (uintptr_t)io,
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_rw_flags = fua ? RWF_DSYNC : 0,
		.aio_fildes = fd,
		.aio_buf = (uintptr_t)io->data,
		.aio_nbytes = io->count * STAMPED_SIZE,
		.aio_offset = (part_start(w) + io->first) * STAMPED_SIZE,
	};
	iocb = &io->iocb;
	note(false, "S %u %u %llu %u %c\n", w->id, io->seq,
	     part_start(w) + io->first, io->count, fua ? 'f' : 'w');
	if (syscall(SYS_io_submit, w->context, 1, &iocb) != 1)
		return -errno;
	io->busy = true;
	w->in_flight++;
	return 0;
}

static int complete(struct writer *w, const struct io_event *event)
{
	struct io *io = (struct io *)(uintptr_t)event->data;

	io->busy = false;
	w->in_flight--;
	memset(w->locked + io->first, false, io->count);
	if (event->res != io->count * STAMPED_SIZE)
		return event->res < 0 ? (int)event->res : -EIO;
	note(io->fua, "C %u %u\n", w->id, io->seq);
	return 0;
}

/* Wait for at least so many writes. */
static int reap(struct writer *w, unsigned int wanted)
{
	struct io_event events[DEPTH];
	int i, done, error = 0;

	done = syscall(SYS_io_getevents, w->context, wanted, DEPTH, events,
		       NULL);
	if (done < 0)
		return -errno;
	for (i = 0; i < done; i++)
		error = complete(w, &events[i]) ?: error;
	return error;
}

static int flush(struct writer *w)
{
	unsigned int id = ++w->flushes;

	note(false, "B %u %u\n", w->id, id);
	if (fdatasync(fd))
		return -errno;
	note(true, "E %u %u\n", w->id, id);
	return 0;
}

static void think(struct writer *w)
{
	struct timespec time = { .tv_nsec = below(w, THINK_MAX_NS) };

	nanosleep(&time, NULL);
}

/* The first writer never asks for anything to be durable. */
static int step(struct writer *w)
{
	unsigned int dice = below(w, 100);

	if (dice < 8) {
		think(w);
		return 0;
	}
	if (dice < 20 && w->id)
		return flush(w);
	if (dice < 35)
		return submit(w, w->id);
	return submit(w, false);
}

static void *run(void *data)
{
	struct writer *w = data;
	int error = 0;

	while (!error) {
		error = step(w);
		if (!error && w->in_flight)
			error = reap(w, w->in_flight == DEPTH);
	}
	note(false, "X %u %d\n", w->id, -error);
	while (w->in_flight)
		reap(w, 1);
	/* User mode Linux must not be left to do that when we are gone. */
	syscall(SYS_io_destroy, w->context);
	return NULL;
}

/* --- all of it -------------------------------------------------------------- */

static void start(struct writer *w, unsigned int id)
{
	unsigned int i;

	w->id = id;
	w->random = seed + id;
	w->locked = calloc(part_blocks, sizeof(*w->locked));
	if (!w->locked || syscall(SYS_io_setup, DEPTH, &w->context))
		err(1, "cannot set up a writer");
	for (i = 0; i < DEPTH; i++)
		if (posix_memalign((void **)&w->ios[i].data, STAMPED_SIZE,
				   BLOCKS_MAX * STAMPED_SIZE))
			errx(1, "no memory");
	errno = pthread_create(&w->thread, NULL, run, w);
	if (errno)
		err(1, "no thread");
}

int main(int argc, char **argv)
{
	unsigned int writers, i;
	struct writer *w;

	if (argc < 7 || argc > 8)
		errx(2, "DEVICE FIRST BLOCKS WRITERS SEED LOG [WITNESS]");
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0)
		err(1, "%s", argv[1]);
	first_block = strtoull(argv[2], NULL, 0);
	writers = strtoul(argv[4], NULL, 0);
	if (!writers)
		errx(2, "no writers");
	part_blocks = strtoull(argv[3], NULL, 0) / writers;
	if (part_blocks <= BLOCKS_MAX)
		errx(2, "too few blocks");
	seed = strtoull(argv[5], NULL, 0);
	open_log(argv[6]);
	if (argc == 8) {
		witness = open(argv[7], O_WRONLY | O_APPEND | O_NOCTTY);
		if (witness < 0)
			err(1, "%s", argv[7]);
	}
	make_crc_table();
	w = calloc(writers, sizeof(*w));
	if (!w)
		errx(1, "no memory");
	for (i = 0; i < writers; i++)
		start(&w[i], i);
	for (i = 0; i < writers; i++)
		pthread_join(w[i].thread, NULL);
	return 0;
}
