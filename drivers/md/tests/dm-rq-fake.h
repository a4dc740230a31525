/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fake disks and a fake target for KUnit suites of request-based device-mapper.
 *
 * Both are real: the disks are blk-mq disks that are added and opened, the
 * target is registered, and the mapped device is created, loaded, suspended and
 * destroyed by the functions that the ioctls use.  Fake is only what they do
 * with a request, which the test says: what the target's map call returns, what
 * the disk makes of the request, when and in which context it ends it, and what
 * the target makes of that.
 *
 * This file is released under the GPL.
 */

#ifndef DM_RQ_FAKE_H
#define DM_RQ_FAKE_H

#include "../dm-core.h"
#include "../dm-rq.h"
#include "../dm-rq-barrier.h"

#include <kunit/test.h>
#include <linux/blk-mq.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>

#define FAKE_MAX_PATHS		2
#define FAKE_MAX_SCRIPT		8
#define FAKE_MAX_LOG		64
#define FAKE_SECTORS		2048

/* How long to wait for what has to happen, and for what must not; in ms */
#define FAKE_PATIENCE_MS	20000
#define FAKE_ABSENCE_MS		30

/**
 * enum dm_rq_fake_context - where a fake disk ends its requests
 * @FAKE_DIRECT: at once, in its queue_rq()
 * @FAKE_HARDIRQ: in a timer's hard interrupt
 * @FAKE_THREAD: in a worker of its own
 * @FAKE_HOLD: not before dm_rq_fake_release()
 */
enum dm_rq_fake_context {
	FAKE_DIRECT,
	FAKE_HARDIRQ,
	FAKE_THREAD,
	FAKE_HOLD,
};

/**
 * struct dm_rq_fake_outcome - what becomes of one clone
 * @name: for messages
 * @map: what the target's map call returns
 * @queue: if mapped: what the disk's queue_rq() returns
 * @status: if queued: what the disk ends it with
 * @verdict: what the target's rq_end_io() returns
 */
struct dm_rq_fake_outcome {
	const char *name;
	int map;
	blk_status_t queue;
	blk_status_t status;
	int verdict;
};

/* What more than one suite needs; again is what a failed path gives. */
extern const struct dm_rq_fake_outcome dm_rq_fake_success;
extern const struct dm_rq_fake_outcome dm_rq_fake_medium;
extern const struct dm_rq_fake_outcome dm_rq_fake_notsupp;
extern const struct dm_rq_fake_outcome dm_rq_fake_again;

/**
 * struct dm_rq_fake_script - outcomes of the clones to come
 * @outcome: in the order in which the target maps the clones
 * @nr: how many; clones beyond that succeed
 * @next: the next one to use
 */
struct dm_rq_fake_script {
	const struct dm_rq_fake_outcome *outcome[FAKE_MAX_SCRIPT];
	unsigned int nr;
	unsigned int next;
};

/**
 * struct dm_rq_fake_disk - a fake disk
 * @fake: what it belongs to
 * @set: its tag set
 * @disk: its gendisk
 * @context: where it ends requests
 * @flush_status: what it ends flushes with, unless their outcome says otherwise
 * @lock: protects the members below
 * @started: requests it has not ended
 * @nr_started: their number
 * @log: what reached it: F flush, W write, U FUA write, Z write zeroes, R read;
 *       a string.  With dm_rq_fake.by_name a write is the letter of
 *       dm_rq_fake_write()
 * @nr_log: length of @log
 * @timer: for %FAKE_HARDIRQ
 * @work: for %FAKE_THREAD
 */
struct dm_rq_fake_disk {
	struct dm_rq_fake *fake;
	struct blk_mq_tag_set set;
	struct gendisk *disk;
	enum dm_rq_fake_context context;
	blk_status_t flush_status;
	spinlock_t lock;	/* protects started and log */
	struct list_head started;
	unsigned int nr_started;
	char log[FAKE_MAX_LOG + 1];
	unsigned int nr_log;
	struct hrtimer timer;
	struct work_struct work;
};

/**
 * struct dm_rq_fake_ctx - the context something ran in
 * @task: the task that was running, or was interrupted
 * @work: the work it was executing, if any
 * @hardirq: in hard interrupt
 * @softirq: in softirq
 * @atomic: anywhere where sleeping is not allowed
 */
struct dm_rq_fake_ctx {
	struct task_struct *task;
	struct work_struct *work;
	bool hardirq;
	bool softirq;
	bool atomic;
};

/**
 * struct dm_rq_fake - a mapped device over fake disks
 * @test: the test that owns it
 * @disk: the disks
 * @md: the mapped device
 * @default_mode: dm_mod.rq_ordered before the test
 * @by_name: log writes by their names
 * @num_flush_bios: what the next table's target asks for
 * @path: the path that the target chooses
 * @flushes: outcomes of flush clones
 * @writes: outcomes of other clones
 * @lock: protects what follows and both scripts
 * @maps: map calls for flush clones
 * @map_time: ktime of the first map calls, in ns
 * @map_ctx: context of the last one
 * @map_failfast: fail-fast flags of the request it was given
 * @map_data: clones that carried data
 * @map_shared: clones whose per-io data was in use already
 * @end_ctx: context of the last rq_end_io() of a flush clone
 * @disk_ctx: context in which the disk ended the same clone
 */
struct dm_rq_fake {
	struct kunit *test;
	struct dm_rq_fake_disk disk[FAKE_MAX_PATHS];
	struct mapped_device *md;
	enum dm_rq_ordered default_mode;
	bool by_name;
	unsigned int num_flush_bios;
	unsigned int path;
	struct dm_rq_fake_script flushes;
	struct dm_rq_fake_script writes;
	spinlock_t lock;	/* protects what follows and the scripts */
	unsigned int maps;
	u64 map_time[FAKE_MAX_SCRIPT];
	struct dm_rq_fake_ctx map_ctx;
	blk_opf_t map_failfast;
	unsigned int map_data;
	unsigned int map_shared;
	struct dm_rq_fake_ctx end_ctx;
	struct dm_rq_fake_ctx disk_ctx;
};

/**
 * struct dm_rq_fake_io - a bio or a flush request given to the mapped device
 * @bio: the bio; NULL if it is a request
 * @page: the bio's data
 * @done: completed when it ends
 * @ends: how often it ended
 * @error: what it ended with, as an errno value
 */
struct dm_rq_fake_io {
	struct bio *bio;
	struct page *page;
	struct completion done;
	atomic_t ends;
	int error;
};

/**
 * struct dm_rq_fake_background - something that may wait, done by a worker
 * @work: the work
 * @fake: whom it concerns
 * @fn: what to do
 * @flags: passed to @fn
 * @r: what @fn returned
 * @done: completed when it has returned
 */
struct dm_rq_fake_background {
	struct work_struct work;
	struct dm_rq_fake *fake;
	int (*fn)(struct dm_rq_fake *f, unsigned int flags);
	unsigned int flags;
	int r;
	struct completion done;
};

int dm_rq_fake_pin(unsigned int cpu);
int dm_rq_fake_init(struct kunit *test);
int dm_rq_fake_init_ordered(struct kunit *test);
void dm_rq_fake_exit(struct kunit *test);
void dm_rq_fake_set_features(struct dm_rq_fake_disk *d,
			     blk_features_t features);
void dm_rq_fake_override_cache(struct dm_rq_fake_disk *d, bool override);
void dm_rq_fake_set_zeroes(struct dm_rq_fake_disk *d);
void dm_rq_fake_set_blocking(struct dm_rq_fake_disk *d, bool blocking);
void dm_rq_fake_release(struct dm_rq_fake_disk *d);
void dm_rq_fake_fail_started(struct dm_rq_fake_disk *d,
			     const struct dm_rq_fake_outcome *outcome);
void dm_rq_fake_end(struct kunit *test, char letter);
void dm_rq_fake_expect_log(struct kunit *test, const char *log);
unsigned int dm_rq_fake_held(struct dm_rq_fake_disk *d);
void dm_rq_fake_script(struct dm_rq_fake_script *script,
		       const struct dm_rq_fake_outcome *a,
		       const struct dm_rq_fake_outcome *b,
		       const struct dm_rq_fake_outcome *c);

void dm_rq_fake_create(struct kunit *test);
int dm_rq_fake_table(struct kunit *test, const char *type, const char *params,
		     struct dm_table **t);
int dm_rq_fake_load(struct kunit *test, unsigned int nr_paths);
int dm_rq_fake_swap(struct kunit *test, struct dm_table *t);
char *dm_rq_fake_path(struct kunit *test, unsigned int i);

struct dm_rq_fake_io *dm_rq_fake_submit(struct kunit *test, blk_opf_t opf,
					bool data);
struct dm_rq_fake_io *dm_rq_fake_write(struct kunit *test, char name,
				       blk_opf_t flags);
struct dm_rq_fake_io *dm_rq_fake_zeroes(struct kunit *test, char name);
struct dm_rq_fake_io *dm_rq_fake_flush(struct kunit *test);
struct dm_rq_fake_io *dm_rq_fake_flush_request(struct kunit *test,
					       blk_opf_t flags);
struct dm_rq_fake_io *dm_rq_fake_start_round(struct kunit *test);
int dm_rq_fake_wait(struct kunit *test, struct dm_rq_fake_io *io);
unsigned int dm_rq_fake_pending(struct dm_rq_fake *f);
struct dm_rq_barrier_stats dm_rq_fake_stats(struct dm_rq_fake *f);
struct dm_rq_sequencer dm_rq_fake_sequencer(struct dm_rq_fake *f);
void dm_rq_fake_expect_held(struct kunit *test, unsigned int held);
void dm_rq_fake_elevator(struct kunit *test, const char *elevator,
			 unsigned int requests, unsigned int started);
void dm_rq_fake_set_mode(struct kunit *test, const char *word);
int dm_rq_fake_suspend(struct dm_rq_fake *f, unsigned int flags);
struct dm_rq_fake_background *
dm_rq_fake_start(struct kunit *test,
		 int (*fn)(struct dm_rq_fake *f, unsigned int flags),
		 unsigned int flags);
void dm_rq_fake_expect_waits(struct kunit *test,
			     struct dm_rq_fake_background *bg);
int dm_rq_fake_finish(struct kunit *test, struct dm_rq_fake_background *bg);

/*
 * Wait until a condition holds.  Nothing is timed: the limit only turns a test
 * that would hang into one that fails.
 */
#define fake_wait_for(test, condition)					\
do {									\
	unsigned int __naps = 5 * FAKE_PATIENCE_MS;			\
	bool __holds;							\
									\
	while (!(__holds = (condition)) && __naps--)			\
		fsleep(200);						\
	KUNIT_ASSERT_TRUE_MSG(test, __holds, "it never got so far");	\
} while (0)

#endif /* DM_RQ_FAKE_H */
