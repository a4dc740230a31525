// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suites for what paths can do and what the device promises.
 *
 * dm-rq-features proves what the device advertises in each mode over paths of
 *   every kind, when a command is sent and when not (R6), that paths may change
 *   under a live table, and which tables are refused.
 * dm-rq-fua proves that a FUA write that goes to a path without FUA does not
 *   end before a flush that follows it.
 * dm-rq-modes proves that mode none runs nothing of barriers, and the words.
 *
 * This file is released under the GPL.
 */

#include "dm-rq-fake.h"

#include <linux/part_stat.h>

#define WC	BLK_FEAT_WRITE_CACHE
#define FUA	BLK_FEAT_FUA

static bool advertises(struct dm_rq_fake *f, blk_features_t features)
{
	struct block_device *bdev = dm_disk(f->md)->part0;

	return bdev_write_cache(bdev) == !!(features & WC) &&
	       bdev_fua(bdev) == !!(features & FUA);
}

/*
 * dm-rq-features
 */

/* In mode drain_flush it is WC whatever the paths are. */
struct features_case {
	const char *name;
	blk_features_t path[2];
	blk_features_t advertised;
};

static const struct features_case features_table[] = {
	{ "through, through",		{ 0, 0 },		WC },
	{ "back, through",		{ WC, 0 },		WC },
	{ "back, back",			{ WC, WC },		WC },
	{ "back with fua, back",	{ WC | FUA, WC },	WC },
	{ "back, back with fua",	{ WC, WC | FUA },	WC },
	{ "back with fua, through",	{ WC | FUA, 0 },	WC },
	{ "back with fua, both",	{ WC | FUA, WC | FUA },	WC | FUA },
};

KUNIT_ARRAY_PARAM_DESC(features, features_table, name);

static void features_advertised(struct kunit *test)
{
	static const char * const modes[] = {
		"none", "drain_flush", "none", "flush", "drain_flush", "flush",
	};
	const struct features_case *c = test->param_value;
	struct dm_rq_fake *f = test->priv;

	for (int i = 0; i < 2; i++)
		dm_rq_fake_set_features(&f->disk[i], c->path[i]);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 2), 0);
	KUNIT_EXPECT_TRUE(test, advertises(f, c->advertised));

	/* By switching, and by loading a table */
	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		blk_features_t expected = strcmp(modes[i], "drain_flush") ?
					  c->advertised : WC;

		dm_rq_fake_set_mode(test, modes[i]);
		KUNIT_EXPECT_TRUE_MSG(test, advertises(f, expected),
				      "switched to %s", modes[i]);
		KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 2), 0);
		KUNIT_EXPECT_TRUE_MSG(test, advertises(f, expected),
				      "loaded in %s", modes[i]);
	}
}

/* A table without paths keeps what the device advertised before. */
static void features_without_paths(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_set_features(&f->disk[0], WC | FUA);
	dm_rq_fake_create(test);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 0), 0);
	KUNIT_EXPECT_TRUE(test, advertises(f, WC | FUA));
	dm_rq_fake_set_mode(test, "none");
	KUNIT_EXPECT_TRUE(test, advertises(f, WC | FUA));
}

struct command_case {
	const char *name;
	blk_features_t path[2];
	unsigned int chosen;
	const char *log[2];
};

static const struct command_case command_table[] = {
	{ "no cache",			{ 0, 0 },   0, { "", "" } },
	{ "chosen has a cache",		{ WC, 0 },  0, { "F", "" } },
	{ "only the other has",		{ WC, 0 },  1, { "", "F" } },
	{ "both have",			{ WC, WC }, 1, { "", "F" } },
};

KUNIT_ARRAY_PARAM_DESC(command, command_table, name);

/* R6, with views of one LUN that differ. */
static void flush_as_wanted(struct kunit *test)
{
	const struct command_case *c = test->param_value;
	struct dm_rq_fake *f = test->priv;

	for (int i = 0; i < 2; i++)
		dm_rq_fake_set_features(&f->disk[i], c->path[i]);
	f->path = c->chosen;
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, c->log[0]);
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, c->log[1]);
}

static void features_command(struct kunit *test)
{
	const struct command_case *c = test->param_value;
	struct dm_rq_fake *f = test->priv;
	bool sent = c->log[0][0] || c->log[1][0];

	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 2), 0);
	flush_as_wanted(test);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).clones, 1);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).commands, sent);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).no_cache, !sent);
}

/* Mode none has no rounds, and decides alike. */
static void features_command_none(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 2), 0);
	dm_rq_fake_set_mode(test, "none");
	flush_as_wanted(test);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 0);
	/* Nothing is left behind: it works once more */
	for (int i = 0; i < 2; i++) {
		memset(f->disk[i].log, 0, sizeof(f->disk[i].log));
		f->disk[i].nr_log = 0;
	}
	flush_as_wanted(test);
}

/* P2: the path gets a volatile cache after the table was loaded. */
static void cache_appears(struct kunit *test, const char *mode)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_set_features(&f->disk[0], 0);
	dm_rq_fake_create(test);
	dm_rq_fake_set_mode(test, mode);
	dm_rq_fake_wait(test, dm_rq_fake_flush(test));
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "");

	dm_rq_fake_set_features(&f->disk[0], WC);
	dm_rq_fake_wait(test, dm_rq_fake_flush(test));
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
}

static void features_cache_appears(struct kunit *test)
{
	cache_appears(test, "flush");
}

static void features_cache_appears_none(struct kunit *test)
{
	cache_appears(test, "none");
}

/* P3: an administrator says that the cache is not volatile. */
static void features_cache_overridden(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_create(test);
	dm_rq_fake_override_cache(&f->disk[0], true);
	dm_rq_fake_wait(test, dm_rq_fake_flush(test));
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "");

	dm_rq_fake_override_cache(&f->disk[0], false);
	dm_rq_fake_wait(test, dm_rq_fake_flush(test));
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
}

static int in_flight_now(struct block_device *part)
{
	int cpu, n = 0;

	for_each_possible_cpu(cpu)
		n += part_stat_local_read_cpu(part, in_flight[0], cpu) +
		     part_stat_local_read_cpu(part, in_flight[1], cpu);

	return n;
}

/* P5: the path counts a flush, and no read. */
static void path_stat(struct kunit *test, const char *mode)
{
	struct dm_rq_fake *f = test->priv;
	struct block_device *part0 = f->disk[0].disk->part0;
	unsigned long reads = part_stat_read(part0, ios[STAT_READ]);

	dm_rq_fake_create(test);
	dm_rq_fake_set_mode(test, mode);
	dm_rq_fake_wait(test, dm_rq_fake_flush(test));
	KUNIT_EXPECT_EQ(test, part_stat_read(part0, ios[STAT_FLUSH]), 1);
	KUNIT_EXPECT_EQ(test, part_stat_read(part0, ios[STAT_READ]), reads);
	KUNIT_EXPECT_EQ(test, in_flight_now(part0), 0);
}

static void features_path_stat(struct kunit *test)
{
	path_stat(test, "flush");
}

static void features_path_stat_none(struct kunit *test)
{
	path_stat(test, "none");
}

/* P10: the queue is marked when it is made, tables have to fit it later. */
static void features_blocking_first(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_set_blocking(&f->disk[0], true);
	dm_rq_fake_create(test);
	dm_rq_fake_set_blocking(&f->disk[0], false);
	KUNIT_EXPECT_TRUE(test, f->md->tag_set->flags & BLK_MQ_F_BLOCKING);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_load(test, 2), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			0);
}

static void features_blocking_unknown(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 0), 0);
	KUNIT_EXPECT_TRUE(test, f->md->tag_set->flags & BLK_MQ_F_BLOCKING);
}

static void features_blocking_later(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_table *t;
	int r;

	dm_rq_fake_create(test);
	KUNIT_EXPECT_FALSE(test, f->md->tag_set->flags & BLK_MQ_F_BLOCKING);

	dm_rq_fake_set_blocking(&f->disk[1], true);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_load(test, 2), -EINVAL);

	/* Mode none takes the table; then the mode cannot be used any more */
	dm_rq_fake_set_mode(test, "none");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_load(test, 2), 0);
	KUNIT_EXPECT_EQ(test, dm_attr_rq_ordered_store(f->md, "flush", 5),
			-EINVAL);
	KUNIT_EXPECT_FALSE(test, dm_rq_barrier_enabled(f->md));

	KUNIT_EXPECT_EQ(test, dm_attr_rq_ordered_store(f->md, "drain_flush",
						       strlen("drain_flush")),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, f->md->rq_barrier->seq.gate, GATE_OFF);

	/* The mode changes between load and resume: the old table stays */
	KUNIT_EXPECT_EQ(test, dm_rq_fake_load(test, 1), 0);
	r = dm_rq_fake_table(test, "dm-rq-fake", dm_rq_fake_path(test, 1), &t);
	KUNIT_ASSERT_EQ(test, r, 0);
	dm_rq_fake_set_mode(test, "flush");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_swap(test, t), -EINVAL);
	dm_rq_fake_set_blocking(&f->disk[1], false);
	KUNIT_EXPECT_EQ(test, dm_resume(f->md), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "F");
}

static struct kunit_case features_cases[] = {
	KUNIT_CASE_PARAM(features_advertised, features_gen_params),
	KUNIT_CASE(features_without_paths),
	KUNIT_CASE_PARAM(features_command, command_gen_params),
	KUNIT_CASE_PARAM(features_command_none, command_gen_params),
	KUNIT_CASE(features_cache_appears),
	KUNIT_CASE(features_cache_appears_none),
	KUNIT_CASE(features_cache_overridden),
	KUNIT_CASE(features_path_stat),
	KUNIT_CASE(features_path_stat_none),
	KUNIT_CASE(features_blocking_first),
	KUNIT_CASE(features_blocking_unknown),
	KUNIT_CASE(features_blocking_later),
	{ }
};

static struct kunit_suite features_suite = {
	.name = "dm-rq-features",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = features_cases,
};

/*
 * dm-rq-fua
 */

static struct dm_rq_fake_io *fua_write(struct kunit *test)
{
	return dm_rq_fake_submit(test, REQ_OP_WRITE | REQ_FUA | REQ_SYNC, true);
}

/* A device that advertises FUA, over a path that lost it since. */
static void create_with_fua_lost(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_set_features(&f->disk[0], WC | FUA);
	dm_rq_fake_create(test);
	KUNIT_ASSERT_TRUE(test, advertises(f, WC | FUA));
	dm_rq_fake_set_features(&f->disk[0], WC);
}

/* A path that has FUA gets it, and no round is needed. */
static void fua_passes(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_set_features(&f->disk[0], WC | FUA);
	dm_rq_fake_create(test);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fua_write(test)),
			0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "U");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 0);
}

/* P1: one path of two has FUA; blk-flush adds the flush. */
static void fua_mixed_paths(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_set_features(&f->disk[1], WC | FUA);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 2), 0);
	dm_rq_fake_wait(test, fua_write(test));
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "WF");
	f->path = 1;
	dm_rq_fake_wait(test, fua_write(test));
	KUNIT_EXPECT_STREQ(test, f->disk[1].log, "WF");
}

/* The write does not end before the flush, and the data goes without FUA. */
static void fua_lost(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	create_with_fua_lost(test);
	f->disk[0].context = FAKE_HOLD;
	io = fua_write(test);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 1);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "W");

	dm_rq_fake_release(&f->disk[0]);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 1);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "WF");
	KUNIT_EXPECT_FALSE(test, completion_done(&io->done));

	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).fua_writes, 1);
}

/* The same for the data step of a write with pre-flush. */
static void fua_lost_preflush(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	create_with_fua_lost(test);
	io = dm_rq_fake_submit(test, REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA |
			       REQ_SYNC, true);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "FWF");
}

/* A write that failed needs no flush and ends with its own error. */
static void fua_data_error(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	create_with_fua_lost(test);
	dm_rq_fake_script(&f->writes, &dm_rq_fake_medium, NULL, NULL);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fua_write(test)),
			-ENODATA);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "W");
}

static void fua_data_requeue(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	create_with_fua_lost(test);
	dm_rq_fake_script(&f->writes, &dm_rq_fake_again, NULL, NULL);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fua_write(test)),
			0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "WWF");
}

/* A write whose flush fails is not durable, and says so. */
static void fua_flush_error(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	create_with_fua_lost(test);
	dm_rq_fake_script(&f->flushes, &dm_rq_fake_notsupp, NULL, NULL);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fua_write(test)),
			-EOPNOTSUPP);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "WF");
}

/* If the flush has to be tried again the whole write is. */
static void fua_flush_requeue(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	create_with_fua_lost(test);
	dm_rq_fake_script(&f->flushes, &dm_rq_fake_again, NULL, NULL);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fua_write(test)),
			0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "WFWF");
}

/* Where no path has a volatile cache the write ends without a command. */
static void fua_no_cache(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	create_with_fua_lost(test);
	dm_rq_fake_set_features(&f->disk[0], 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fua_write(test)),
			0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "W");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).no_cache, 1);
}

static struct kunit_case fua_cases[] = {
	KUNIT_CASE(fua_passes),
	KUNIT_CASE(fua_mixed_paths),
	KUNIT_CASE(fua_lost),
	KUNIT_CASE(fua_lost_preflush),
	KUNIT_CASE(fua_data_error),
	KUNIT_CASE(fua_data_requeue),
	KUNIT_CASE(fua_flush_error),
	KUNIT_CASE(fua_flush_requeue),
	KUNIT_CASE(fua_no_cache),
	{ }
};

static struct kunit_suite fua_suite = {
	.name = "dm-rq-fua",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = fua_cases,
};

/*
 * dm-rq-modes
 */

/* In mode none a flush and a FUA write are mapped as they always were. */
static void modes_none(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	create_with_fua_lost(test);
	dm_rq_fake_set_mode(test, "none");
	dm_rq_fake_set_features(&f->disk[0], WC | FUA);
	/* The newest kernels change nothing after a suspend without flushing */
	KUNIT_ASSERT_EQ(test, dm_suspend(f->md, 0), 0);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 1), 0);
	dm_rq_fake_set_features(&f->disk[0], WC);

	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			0);
	KUNIT_EXPECT_PTR_NE(test, f->map_ctx.work, &f->md->rq_barrier->work);
	dm_rq_fake_wait(test, fua_write(test));
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "FU");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).fua_writes, 0);
}

static void expect_shown(struct kunit *test, const char *text)
{
	struct dm_rq_fake *f = test->priv;
	char *page = (char *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, dm_attr_rq_ordered_show(f->md, page),
			strlen(text));
	KUNIT_EXPECT_STREQ(test, page, text);
	free_page((unsigned long)page);
}

static void modes_words(struct kunit *test)
{
	static const char * const bad[] = {
		"", "\n", "Flush", "flush ", " flush", "flus", "flushh",
		"none\n\n", "0", "drain", "drain_flush_",
	};
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_create(test);
	expect_shown(test, "none [flush] drain_flush\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    dm_attr_rq_ordered_store(f->md, bad[i],
							     strlen(bad[i])),
				    -EINVAL, "\"%s\"", bad[i]);
	expect_shown(test, "none [flush] drain_flush\n");
	dm_rq_fake_set_mode(test, "none\n");
	expect_shown(test, "[none] flush drain_flush\n");
	dm_rq_fake_set_mode(test, "none");
	expect_shown(test, "[none] flush drain_flush\n");
	dm_rq_fake_set_mode(test, "drain_flush\n");
	expect_shown(test, "none flush [drain_flush]\n");
	dm_rq_fake_set_mode(test, "flush\n");
	expect_shown(test, "none [flush] drain_flush\n");
}

static void modes_bio_based(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	char params[40];
	struct dm_table *t;

	snprintf(params, sizeof(params), "%s 0", dm_rq_fake_path(test, 0));
	KUNIT_ASSERT_EQ(test, dm_rq_fake_table(test, "linear", params, &t), 0);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_swap(test, t), 0);
	expect_shown(test, "[none]\n");
	dm_rq_fake_set_mode(test, "none");
	KUNIT_EXPECT_EQ(test, dm_attr_rq_ordered_store(f->md, "flush", 5),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, dm_attr_rq_ordered_store(f->md, "bad", 3),
			-EINVAL);
	expect_shown(test, "[none]\n");
}

static struct kunit_case modes_cases[] = {
	KUNIT_CASE(modes_none),
	KUNIT_CASE(modes_words),
	KUNIT_CASE(modes_bio_based),
	{ }
};

static struct kunit_suite modes_suite = {
	.name = "dm-rq-modes",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = modes_cases,
};

kunit_test_suites(&features_suite, &fua_suite, &modes_suite);
