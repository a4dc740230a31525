// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite dm-rq-suspend: barrier rounds while the device is suspended,
 * resumed, given another table or removed.
 *
 * The disk holds the commands of a round until told, so that each test stops a
 * round in the middle and does to the device what it is about.  Proved is that
 * suspend and removal wait for the round and for nothing else, that a suspended
 * device issues nothing, and that no flush is lost or ends twice.
 *
 * This file is released under the GPL.
 */

#include "dm-rq-fake.h"

#include <linux/workqueue.h>

static int flush_fn(struct dm_rq_fake *f, unsigned int flags)
{
	flush_workqueue(f->md->wq);
	return 0;
}

static int remove_fn(struct dm_rq_fake *f, unsigned int flags)
{
	dm_put(f->md);
	dm_destroy(f->md);
	f->md = NULL;
	return 0;
}

static void wait_background(struct kunit *test,
			    struct dm_rq_fake_background *bg)
{
	KUNIT_EXPECT_EQ(test, dm_rq_fake_finish(test, bg), 0);
}

struct suspend_kind {
	const char *name;
	unsigned int flags;
};

static const struct suspend_kind suspend_kinds[] = {
	{ "flushing", 0 },
	{ "noflush", DM_SUSPEND_NOFLUSH_FLAG },
};

KUNIT_ARRAY_PARAM_DESC(suspend_kinds, suspend_kinds, name);

static unsigned int suspend_flags(struct kunit *test)
{
	const struct suspend_kind *kind = test->param_value;

	return kind->flags;
}

/* Rounds run on kdmflush, so that flushing it is to wait for them. */
static void suspend_flushes_kdmflush(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;
	struct dm_rq_fake_background *bg;

	dm_rq_fake_create(test);
	io = dm_rq_fake_start_round(test);
	bg = dm_rq_fake_start(test, flush_fn, 0);
	dm_rq_fake_expect_waits(test, bg);

	dm_rq_fake_release(&f->disk[0]);
	wait_background(test, bg);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
}

/* Suspend ends when the round does, and the flush with it. */
static void suspend_waits_for_round(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;
	struct dm_rq_fake_background *bg;

	dm_rq_fake_create(test);
	io = dm_rq_fake_start_round(test);
	bg = dm_rq_fake_start(test, dm_rq_fake_suspend, suspend_flags(test));
	dm_rq_fake_expect_waits(test, bg);

	dm_rq_fake_release(&f->disk[0]);
	wait_background(test, bg);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_TRUE(test, dm_suspended_md(f->md));
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
}

/* A flush that waits for the next round is served or handed back. */
static void suspend_with_flush_pending(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *first, *second;
	struct dm_rq_fake_background *bg;

	dm_rq_fake_create(test);
	first = dm_rq_fake_start_round(test);
	second = dm_rq_fake_flush_request(test, 0);
	fake_wait_for(test, dm_rq_fake_pending(f) == 1);
	bg = dm_rq_fake_start(test, dm_rq_fake_suspend, suspend_flags(test));
	dm_rq_fake_expect_waits(test, bg);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_release(&f->disk[0]);
	wait_background(test, bg);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, first), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_pending(f), 0);
	KUNIT_EXPECT_EQ(test, dm_resume(f->md), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, second), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "FF");
}

/* A suspended device issues nothing; what comes meanwhile is served later. */
static void suspend_issues_nothing(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	dm_rq_fake_create(test);
	KUNIT_ASSERT_EQ(test, dm_suspend(f->md, suspend_flags(test)), 0);
	io = dm_rq_fake_flush(test);
	fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "");
	KUNIT_EXPECT_EQ(test, f->maps, 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&io->done));

	KUNIT_EXPECT_EQ(test, dm_resume(f->md), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
}

/*
 * A round that asks for a requeue during suspend: the flush goes back to the
 * queue, suspend ends, and the flush runs on the table that resumes.
 */
static void suspend_requeue_reload(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;
	struct dm_rq_fake_background *bg;
	struct dm_table *t;

	dm_rq_fake_create(test);
	dm_rq_fake_script(&f->flushes, &dm_rq_fake_again, NULL, NULL);
	io = dm_rq_fake_start_round(test);
	bg = dm_rq_fake_start(test, dm_rq_fake_suspend, suspend_flags(test));
	dm_rq_fake_expect_waits(test, bg);
	dm_rq_fake_release(&f->disk[0]);
	wait_background(test, bg);
	KUNIT_EXPECT_FALSE(test, completion_done(&io->done));

	KUNIT_ASSERT_EQ(test, dm_rq_fake_table(test, "dm-rq-fake",
					       dm_rq_fake_path(test, 1), &t), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_swap(test, t), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, "F");
}

/* All paths are gone and the target queues: suspend must not wait for them. */
static void suspend_without_path(struct kunit *test)
{
	static const struct dm_rq_fake_outcome no_path = {
		.map = DM_MAPIO_DELAY_REQUEUE,
	};
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;
	struct dm_rq_fake_background *bg;

	dm_rq_fake_create(test);
	for (int i = 0; i < FAKE_MAX_SCRIPT; i++)
		f->flushes.outcome[i] = &no_path;
	f->flushes.nr = FAKE_MAX_SCRIPT;
	io = dm_rq_fake_flush(test);
	fake_wait_for(test, dm_rq_fake_stats(f).requeues >= 1);
	bg = dm_rq_fake_start(test, dm_rq_fake_suspend, suspend_flags(test));
	wait_background(test, bg);
	KUNIT_EXPECT_FALSE(test, completion_done(&io->done));

	f->flushes.nr = 0;
	KUNIT_EXPECT_EQ(test, dm_resume(f->md), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
}

/* A FUA write between its data and its flush. */
static void suspend_fua_write(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;
	struct dm_rq_fake_background *bg;

	dm_rq_fake_set_features(&f->disk[0],
				BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA);
	dm_rq_fake_create(test);
	dm_rq_fake_set_features(&f->disk[0], BLK_FEAT_WRITE_CACHE);
	f->disk[0].context = FAKE_HOLD;
	io = dm_rq_fake_submit(test, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, true);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 1);
	bg = dm_rq_fake_start(test, dm_rq_fake_suspend, suspend_flags(test));
	dm_rq_fake_expect_waits(test, bg);

	/* The data is written, its flush starts though the queue is stopped */
	dm_rq_fake_release(&f->disk[0]);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 1);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "WF");
	dm_rq_fake_expect_waits(test, bg);

	dm_rq_fake_release(&f->disk[0]);
	wait_background(test, bg);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
}

/* The mode changes in the middle of a round: the round goes on. */
static void suspend_mode_change(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *first, *second;

	dm_rq_fake_create(test);
	first = dm_rq_fake_start_round(test);
	second = dm_rq_fake_flush_request(test, 0);
	fake_wait_for(test, dm_rq_fake_pending(f) == 1);
	KUNIT_EXPECT_EQ(test, dm_attr_rq_ordered_store(f->md, "none\n", 5), 5);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, first), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, second), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 2);
}

/* Removal waits for the round. */
static void suspend_removal(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;
	struct dm_rq_fake_background *bg;

	dm_rq_fake_create(test);
	io = dm_rq_fake_start_round(test);
	bg = dm_rq_fake_start(test, remove_fn, 0);
	dm_rq_fake_expect_waits(test, bg);

	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	wait_background(test, bg);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
}

static struct kunit_case suspend_cases[] = {
	KUNIT_CASE(suspend_flushes_kdmflush),
	KUNIT_CASE_PARAM(suspend_waits_for_round, suspend_kinds_gen_params),
	KUNIT_CASE_PARAM(suspend_with_flush_pending, suspend_kinds_gen_params),
	KUNIT_CASE_PARAM(suspend_issues_nothing, suspend_kinds_gen_params),
	KUNIT_CASE_PARAM(suspend_requeue_reload, suspend_kinds_gen_params),
	KUNIT_CASE_PARAM(suspend_without_path, suspend_kinds_gen_params),
	KUNIT_CASE_PARAM(suspend_fua_write, suspend_kinds_gen_params),
	KUNIT_CASE(suspend_mode_change),
	KUNIT_CASE(suspend_removal),
	{ }
};

static struct kunit_suite suspend_suite = {
	.name = "dm-rq-suspend",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = suspend_cases,
};

kunit_test_suites(&suspend_suite);
