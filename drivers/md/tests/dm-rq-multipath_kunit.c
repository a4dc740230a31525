// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite dm-rq-multipath: barrier rounds under the real multipath target,
 * with two fake disks as its paths.
 *
 * Proved is what the rounds make of what multipath does when a path fails, when
 * none is left, with and without queueing, and when a path rejects the flush.
 *
 * This file is released under the GPL.
 */

#include "dm-rq-fake.h"

/* Load a table with both paths, A first; @features counts and names them. */
static void load_multipath(struct kunit *test, const char *features)
{
	struct dm_table *t;
	char params[128];
	int r;

	snprintf(params, sizeof(params), "%s 0 1 1 round-robin 0 2 1 %s 1 %s 1",
		 features, dm_rq_fake_path(test, 0), dm_rq_fake_path(test, 1));
	r = dm_rq_fake_table(test, "multipath", params, &t);
	if (r == -EINVAL)
		kunit_skip(test, "no multipath target in this kernel");
	KUNIT_ASSERT_EQ(test, r, 0);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_swap(test, t), 0);
}

static void reinstate_path(struct kunit *test, unsigned int i)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_target *ti;
	char result[16] = "";
	char *argv[2];
	int srcu_idx;

	argv[0] = "reinstate_path";
	argv[1] = dm_rq_fake_path(test, i);
	ti = dm_table_get_target(dm_get_live_table(f->md, &srcu_idx), 0);
	KUNIT_EXPECT_EQ(test, ti->type->message(ti, ARRAY_SIZE(argv), argv,
						result, sizeof(result)), 0);
	dm_put_live_table(f->md, srcu_idx);
}

/* The flush fails on one path and is repeated on the other. */
static void multipath_path_fails(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	load_multipath(test, "0");
	f->disk[0].flush_status = BLK_STS_TRANSPORT;
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, "F");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).requeues, 1);

	/* The failed path is not used any more */
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, "FF");
}

/* All paths fail: the last path's error, and then there is no path. */
static void multipath_all_fail(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	load_multipath(test, "0");
	f->disk[0].flush_status = BLK_STS_TRANSPORT;
	f->disk[1].flush_status = BLK_STS_TRANSPORT;
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			-ENOLINK);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			-EIO);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).commands, 2);
}

/* All paths fail and I/O is queued: the flush waits for a path. */
static void multipath_queued(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	load_multipath(test, "1 queue_if_no_path");
	f->disk[0].flush_status = BLK_STS_TRANSPORT;
	f->disk[1].flush_status = BLK_STS_TRANSPORT;
	io = dm_rq_fake_flush(test);
	fake_wait_for(test, dm_rq_fake_stats(f).requeues >= 3);
	KUNIT_EXPECT_FALSE(test, completion_done(&io->done));

	f->disk[1].flush_status = BLK_STS_OK;
	reinstate_path(test, 1);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, "FF");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).errors, 0);
}

/* A path that rejects the flush is not a path that failed. */
static void multipath_rejected(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	load_multipath(test, "0");
	f->disk[0].flush_status = BLK_STS_TARGET;
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			-EOPNOTSUPP);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, "");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rejected, 1);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).requeues, 0);
}

/*
 * A FUA write that meets a path without FUA: its round must flush, though no
 * flush request is part of it.
 */
static void multipath_fua_lost(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	for (int i = 0; i < 2; i++)
		dm_rq_fake_set_features(&f->disk[i], BLK_FEAT_WRITE_CACHE |
					BLK_FEAT_FUA);
	load_multipath(test, "0");
	dm_rq_fake_set_features(&f->disk[0], BLK_FEAT_WRITE_CACHE);

	io = dm_rq_fake_submit(test, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, true);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "W");
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, "F");
}

static struct kunit_case multipath_cases[] = {
	KUNIT_CASE(multipath_path_fails),
	KUNIT_CASE(multipath_all_fail),
	KUNIT_CASE(multipath_queued),
	KUNIT_CASE(multipath_rejected),
	KUNIT_CASE(multipath_fua_lost),
	{ }
};

static struct kunit_suite multipath_suite = {
	.name = "dm-rq-multipath",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = multipath_cases,
};

kunit_test_suites(&multipath_suite);
