// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suites for barrier rounds of request-based device-mapper.
 *
 * dm-rq-precedence proves that a round's one result is what R3 says, for every
 *   ordered combination of up to three clones, both for the function that
 *   records results and for real rounds over a fake target and disk.
 * dm-rq-requeue proves that a flush is requeued or completed, never both and
 *   never neither (R4), and who shares a round (R5).
 * dm-rq-mapping proves how clones are made and where they end (R1, R2).
 *
 * The rules are those at the top of dm-rq-barrier.c.
 *
 * This file is released under the GPL.
 */

#include "dm-rq-fake.h"

/*
 * dm-rq-precedence
 */

/* What can become of a clone. */
static const struct dm_rq_fake_outcome outcomes[] = {
	{ "success", DM_MAPIO_REMAPPED },
	{ "medium error", DM_MAPIO_REMAPPED, .status = BLK_STS_MEDIUM },
	{ "timeout", DM_MAPIO_REMAPPED, .status = BLK_STS_TIMEOUT },
	{ "notsupp", DM_MAPIO_REMAPPED, .status = BLK_STS_NOTSUPP },
	{ "target", DM_MAPIO_REMAPPED, .status = BLK_STS_TARGET },
	{ "requeue", DM_MAPIO_REMAPPED, .status = BLK_STS_TRANSPORT,
	  .verdict = DM_ENDIO_REQUEUE },
	{ "delay", DM_MAPIO_REMAPPED, .status = BLK_STS_TRANSPORT,
	  .verdict = DM_ENDIO_DELAY_REQUEUE },
	{ "map requeue", DM_MAPIO_REQUEUE },
	{ "map delay", DM_MAPIO_DELAY_REQUEUE },
	{ "map kill", DM_MAPIO_KILL },
	{ "resource", DM_MAPIO_REMAPPED, .queue = BLK_STS_RESOURCE },
	{ "dev resource", DM_MAPIO_REMAPPED, .queue = BLK_STS_DEV_RESOURCE },
};

#define NR_OUTCOMES	ARRAY_SIZE(outcomes)

/*
 * A round of one clone: the letter of its result, in the order of outcomes[].
 * O success, M medium error, T timeout, I I/O error, N not supported; requeue
 * R at once, B when the path may be less busy, D after the long delay.
 */
static const char single[] = "OMTNNRDBDIBB";

static const char letters[] = "OMTINRBD";

/*
 * R3 as a table: the result so far selects the row, that of the next clone the
 * column.
 */
static const char * const precedence[] = {
	/*	 OMTINRBD */
	/* O */	"OMTINRBD",
	/* M */	"MMMMNRBD",
	/* T */	"TTTTNRBD",
	/* I */	"IIIINRBD",
	/* N */	"NNNNNNNN",
	/* R */	"RRRRNRBD",
	/* B */	"BBBBNBBD",
	/* D */	"DDDDNDDD",
};

static const struct {
	char letter;
	struct dm_rq_barrier_error error;
} results[] = {
	{ 'O', { .status = BLK_STS_OK } },
	{ 'M', { .status = BLK_STS_MEDIUM } },
	{ 'T', { .status = BLK_STS_TIMEOUT } },
	{ 'I', { .status = BLK_STS_IOERR } },
	{ 'N', { .status = BLK_STS_NOTSUPP } },
	{ 'R', { .requeue = true, .delay_ms = 0 } },
	{ 'B', { .requeue = true, .delay_ms = 3 } },
	{ 'D', { .requeue = true, .delay_ms = 100 } },
};

static const struct dm_rq_barrier_error *result_of(char letter)
{
	return &results[strchr(letters, letter) - letters].error;
}

static char add_result(char so_far, char next)
{
	return precedence[strchr(letters, so_far) - letters]
			 [strchr(letters, next) - letters];
}

/* Outcomes of one round; NR_OUTCOMES stands for no clone. */
struct combination {
	unsigned int nr;
	unsigned int clone[3];
};

static char expected_letter(const struct combination *c)
{
	char letter = 'O';

	for (unsigned int i = 0; i < c->nr; i++)
		letter = add_result(letter, single[c->clone[i]]);

	return letter;
}

static const struct dm_rq_fake_outcome *nth(const struct combination *c,
					    unsigned int i)
{
	return i < c->nr ? &outcomes[c->clone[i]] : NULL;
}

/* For messages; good until the next call. */
static const char *name_of(const struct combination *c)
{
	static char name[64];

	name[0] = '\0';
	for (unsigned int i = 0; i < c->nr; i++) {
		strlcat(name, i ? ", " : "", sizeof(name));
		strlcat(name, nth(c, i)->name, sizeof(name));
	}

	return name;
}

static void try_combinations(struct kunit *test, unsigned int nr,
			     void (*fn)(struct kunit *test,
					const struct combination *c))
{
	struct combination c = { .nr = nr };
	unsigned int total = 1;

	for (unsigned int i = 0; i < nr; i++)
		total *= NR_OUTCOMES;

	for (unsigned int n = 0; n < total; n++) {
		unsigned int rest = n;

		for (unsigned int i = 0; i < nr; i++) {
			c.clone[i] = rest % NR_OUTCOMES;
			rest /= NR_OUTCOMES;
		}
		fn(test, &c);
	}
}

static void expect_result(struct kunit *test, const struct combination *c,
			  const struct dm_rq_barrier_error *error)
{
	const struct dm_rq_barrier_error *want = result_of(expected_letter(c));

	KUNIT_EXPECT_EQ_MSG(test, error->requeue, want->requeue,
			    "%s", name_of(c));
	if (want->requeue)
		KUNIT_EXPECT_EQ_MSG(test, error->delay_ms, want->delay_ms,
				    "%s", name_of(c));
	else
		KUNIT_EXPECT_EQ_MSG(test, blk_status_to_errno(error->status),
				    blk_status_to_errno(want->status),
				    "%s", name_of(c));
}

static void record_one(struct kunit *test, const struct combination *c)
{
	struct dm_rq_barrier_error round = { };

	for (unsigned int i = 0; i < c->nr; i++) {
		struct dm_rq_barrier_error clone;

		clone = *result_of(single[c->clone[i]]);
		/* What the path said; that it means N is for dm to know */
		if (outcomes[c->clone[i]].status == BLK_STS_TARGET)
			clone.status = BLK_STS_TARGET;
		dm_rq_barrier_record(&round, &clone);
	}

	expect_result(test, c, &round);
}

static void precedence_record(struct kunit *test)
{
	for (unsigned int nr = 0; nr <= 3; nr++)
		try_combinations(test, nr, record_one);
}

/*
 * One real round.  If it asks for a requeue, the flush comes back when the
 * requeue list is kicked, and succeeds, as the script is used up by then.
 */
static void round_one(struct kunit *test, const struct combination *c)
{
	const struct dm_rq_barrier_error *want = result_of(expected_letter(c));
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_barrier_stats before = dm_rq_fake_stats(f);
	struct dm_rq_fake_io *io;
	int error;

	dm_rq_fake_script(&f->flushes, nth(c, 0), nth(c, 1), nth(c, 2));
	io = dm_rq_fake_flush(test);
	fake_wait_for(test, dm_rq_fake_stats(f).rounds > before.rounds);

	/* Spare the test the delay, which precedence_record looks at */
	flush_workqueue(f->md->wq);
	blk_mq_kick_requeue_list(f->md->queue);
	error = dm_rq_fake_wait(test, io);
	KUNIT_EXPECT_EQ_MSG(test, error, want->requeue ? 0 :
			    blk_status_to_errno(want->status),
			    "%s", name_of(c));
	KUNIT_EXPECT_EQ_MSG(test, dm_rq_fake_stats(f).requeues,
			    before.requeues + want->requeue, "%s", name_of(c));
	KUNIT_EXPECT_EQ(test, f->flushes.next, c->nr);
}

static void precedence_round(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	for (unsigned int nr = 1; nr <= 3; nr++) {
		f->num_flush_bios = nr;
		KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 1), 0);
		try_combinations(test, nr, round_one);
	}
}

static void precedence_not_supported(struct kunit *test)
{
	static const struct dm_rq_fake_outcome target = {
		.map = DM_MAPIO_REMAPPED,
		.status = BLK_STS_TARGET,
	};
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_create(test);
	dm_rq_fake_script(&f->flushes, &target, NULL, NULL);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rejected, 1);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).errors, 1);
}

static struct kunit_case precedence_cases[] = {
	KUNIT_CASE(precedence_record),
	KUNIT_CASE_SLOW(precedence_round),
	KUNIT_CASE(precedence_not_supported),
	{ }
};

static struct kunit_suite precedence_suite = {
	.name = "dm-rq-precedence",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = precedence_cases,
};

/*
 * dm-rq-requeue
 */

struct requeue_case {
	const char *name;
	struct dm_rq_fake_outcome outcome;
	unsigned int min_ms;
};

static const struct requeue_case requeue_table[] = {
	{ "target asks", { .map = DM_MAPIO_REMAPPED,
			   .status = BLK_STS_TRANSPORT,
			   .verdict = DM_ENDIO_REQUEUE }, 0 },
	{ "target asks for a delay", { .map = DM_MAPIO_REMAPPED,
				       .status = BLK_STS_TRANSPORT,
				       .verdict = DM_ENDIO_DELAY_REQUEUE }, 100 },
	{ "no path now", { .map = DM_MAPIO_DELAY_REQUEUE }, 100 },
	{ "no tag now", { .map = DM_MAPIO_REQUEUE }, 3 },
	{ "driver out of resources", { .map = DM_MAPIO_REMAPPED,
				       .queue = BLK_STS_RESOURCE }, 3 },
};

KUNIT_ARRAY_PARAM_DESC(requeue, requeue_table, name);

/* It comes back, not before it was asked to, succeeds, and ends once. */
static void requeue_comes_back(struct kunit *test)
{
	const struct requeue_case *c = test->param_value;
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;
	u64 waited_ms;

	dm_rq_fake_create(test);
	dm_rq_fake_script(&f->flushes, &c->outcome, NULL, NULL);
	io = dm_rq_fake_flush(test);

	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_EQ(test, f->maps, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).requeues, 1);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).errors, 0);

	/* A timer may be a jiffy early by the clock; one that is not set is 0 */
	waited_ms = (f->map_time[1] - f->map_time[0]) / NSEC_PER_MSEC;
	KUNIT_EXPECT_GE(test, waited_ms + jiffies_to_msecs(1) + 1, c->min_ms);

	fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, atomic_read(&io->ends), 1);
}

/* The requeued request is completed once also if it fails in the end. */
static void requeue_then_error(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	dm_rq_fake_create(test);
	dm_rq_fake_script(&f->flushes, &dm_rq_fake_again, &dm_rq_fake_again,
			  &dm_rq_fake_medium);
	io = dm_rq_fake_flush(test);

	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), -ENODATA);
	KUNIT_EXPECT_EQ(test, f->maps, 3);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).requeues, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).errors, 1);
	fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, atomic_read(&io->ends), 1);
}

/* R5: flushes of two hardware queues that wait for a round share it. */
static void requeue_group_commit(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *first, *second, *third;

	dm_rq_fake_create(test);
	first = dm_rq_fake_start_round(test);
	second = dm_rq_fake_flush_request(test, 0);
	third = dm_rq_fake_flush_request(test, 0);
	fake_wait_for(test, dm_rq_fake_pending(f) == 2);

	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, first), 0);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 1);
	KUNIT_EXPECT_FALSE(test, completion_done(&second->done));
	KUNIT_EXPECT_FALSE(test, completion_done(&third->done));

	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, second), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, third), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "FF");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).requests, 3);
}

/* R5: the flush that arrives during a round is not served by it. */
static void requeue_late_flush(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *early, *late;

	dm_rq_fake_create(test);
	early = dm_rq_fake_start_round(test);
	late = dm_rq_fake_flush_request(test, 0);
	fake_wait_for(test, dm_rq_fake_pending(f) == 1);

	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, early), 0);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 1);
	fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
	KUNIT_EXPECT_FALSE(test, completion_done(&late->done));

	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, late), 0);
}

/* All requests of a round share its error, and its requeue. */
static void requeue_shared_result(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *first, *second, *third;

	dm_rq_fake_create(test);
	first = dm_rq_fake_start_round(test);
	second = dm_rq_fake_flush_request(test, 0);
	third = dm_rq_fake_flush_request(test, 0);
	fake_wait_for(test, dm_rq_fake_pending(f) == 2);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_script(&f->flushes, &dm_rq_fake_again, &dm_rq_fake_notsupp,
			  &dm_rq_fake_notsupp);
	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, first), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, second), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, third), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).requeues, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).errors, 2);
}

/* R4 on a table without targets: nothing to flush, so it is flushed. */
static void requeue_no_target(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_table *live;
	int srcu_idx;

	dm_rq_fake_create(test);
	live = dm_get_live_table(f->md, &srcu_idx);
	dm_put_live_table(f->md, srcu_idx);

	live->num_targets = 0;
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			0);
	live->num_targets = 1;
	KUNIT_EXPECT_EQ(test, f->maps, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 1);
}

/* The error target takes the place of a device that is gone: no success. */
static void requeue_error_target(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_table *t;

	dm_rq_fake_create(test);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_table(test, "error", "", &t), 0);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_swap(test, t), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			-EIO);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "");
}

/* R4 on a device that has no live table yet: an error, as for other I/O. */
static void requeue_no_table(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_table *t;

	KUNIT_ASSERT_EQ(test, dm_rq_fake_table(test, "dm-rq-fake",
					       dm_rq_fake_path(test, 0), &t), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)),
			-EIO);
	KUNIT_EXPECT_EQ(test, f->maps, 0);
	dm_table_destroy(t);
}

static struct kunit_case requeue_cases[] = {
	KUNIT_CASE_PARAM(requeue_comes_back, requeue_gen_params),
	KUNIT_CASE(requeue_then_error),
	KUNIT_CASE(requeue_group_commit),
	KUNIT_CASE(requeue_late_flush),
	KUNIT_CASE(requeue_shared_result),
	KUNIT_CASE(requeue_no_target),
	KUNIT_CASE(requeue_error_target),
	KUNIT_CASE(requeue_no_table),
	{ }
};

static struct kunit_suite requeue_suite = {
	.name = "dm-rq-requeue",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = requeue_cases,
};

/*
 * dm-rq-mapping
 */

struct mapping_number {
	const char *name;
	unsigned int nr;
};

static const struct mapping_number mapping_numbers[] = {
	{ "0 clones", 0 },
	{ "1 clone", 1 },
	{ "2 clones", 2 },
	{ "7 clones", 7 },
};

KUNIT_ARRAY_PARAM_DESC(mapping_numbers, mapping_numbers, name);

/* As many clones as the target wants, all in flight at once, each its own. */
static void mapping_number(struct kunit *test)
{
	const struct mapping_number *param = test->param_value;
	struct dm_rq_fake *f = test->priv;
	unsigned int nr = param->nr;
	struct dm_rq_fake_io *io;

	f->num_flush_bios = nr;
	dm_rq_fake_create(test);
	f->disk[0].context = FAKE_HOLD;
	io = dm_rq_fake_flush(test);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == nr);
	if (nr) {
		fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
		KUNIT_EXPECT_FALSE(test, completion_done(&io->done));
	}

	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_EQ(test, f->maps, nr);
	KUNIT_EXPECT_EQ(test, f->map_data, 0);
	KUNIT_EXPECT_EQ(test, f->map_shared, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).clones, nr);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).commands, nr);
}

/* Clones are mapped by the barrier's work on kdmflush, where one may sleep. */
static void mapping_from_kdmflush(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	dm_rq_fake_create(test);
	io = dm_rq_fake_flush(test);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);
	KUNIT_EXPECT_PTR_EQ(test, f->map_ctx.work, &f->md->rq_barrier->work);
	KUNIT_EXPECT_FALSE(test, f->map_ctx.atomic);
}

struct mapping_context {
	const char *name;
	enum dm_rq_fake_context context;
};

static const struct mapping_context mapping_contexts[] = {
	{ "hard interrupt", FAKE_HARDIRQ },
	{ "thread", FAKE_THREAD },
	{ "at once", FAKE_DIRECT },
};

KUNIT_ARRAY_PARAM_DESC(mapping_contexts, mapping_contexts, name);

/* R2: dm is done with a clone in the very context the driver ended it in. */
static void mapping_end_context(struct kunit *test)
{
	const struct mapping_context *param = test->param_value;
	enum dm_rq_fake_context context = param->context;
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	dm_rq_fake_create(test);
	f->disk[0].context = context;
	io = dm_rq_fake_flush(test);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), 0);

	KUNIT_EXPECT_PTR_EQ(test, f->end_ctx.task, f->disk_ctx.task);
	KUNIT_EXPECT_PTR_EQ(test, f->end_ctx.work, f->disk_ctx.work);
	KUNIT_EXPECT_EQ(test, f->end_ctx.hardirq, context == FAKE_HARDIRQ);
	KUNIT_EXPECT_FALSE(test, f->end_ctx.softirq);
	if (context == FAKE_THREAD)
		KUNIT_EXPECT_PTR_EQ(test, f->end_ctx.work, &f->disk[0].work);
}

/* How the pool's allocations fail once the pool is made. */
enum shortage {
	SHORTAGE_NONE,
	SHORTAGE_EVERY_OTHER,
	SHORTAGE_ALL,
};

static enum shortage shortage;

static void *scarce_memory(gfp_t gfp, void *pool_data)
{
	static bool fail;

	fail = !fail;
	if (shortage == SHORTAGE_ALL ||
	    (shortage == SHORTAGE_EVERY_OTHER && fail))
		return NULL;

	return mempool_kmalloc(gfp, pool_data);
}

/*
 * R1: seven clones with a reserve of one.  The pool is made anew, as it is not
 * to know that its elements come from kmalloc(): KASAN's marks would differ.
 */
static void flush_with_shortage(struct kunit *test, enum shortage kind,
				enum dm_rq_fake_context context)
{
	struct dm_rq_fake *f = test->priv;
	mempool_t *pool;
	void *size;

	f->num_flush_bios = 7;
	dm_rq_fake_create(test);
	pool = &f->md->rq_barrier->clones;
	size = pool->pool_data;
	mempool_exit(pool);
	shortage = SHORTAGE_NONE;
	KUNIT_ASSERT_EQ(test, mempool_init(pool, 1, scarce_memory,
					   mempool_kfree, size), 0);

	shortage = kind;
	f->disk[0].context = context;
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, dm_rq_fake_flush(test)), 0);
	KUNIT_EXPECT_STREQ(test, f->disk[0].log, "FFFFFFF");
}

/* Every allocation fails, so the reserve has to do. */
static void mapping_no_memory(struct kunit *test)
{
	flush_with_shortage(test, SHORTAGE_ALL, FAKE_THREAD);
}

/* Every allocation fails once. */
static void mapping_memory_comes_back(struct kunit *test)
{
	flush_with_shortage(test, SHORTAGE_EVERY_OTHER, FAKE_HARDIRQ);
}

/* Sharing a round with a fail-fast flush does not make a flush fail fast. */
static void mapping_failfast(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *first, *fast, *patient;

	dm_rq_fake_create(test);
	first = dm_rq_fake_start_round(test);
	fast = dm_rq_fake_flush_request(test, REQ_FAILFAST_DEV);
	fake_wait_for(test, dm_rq_fake_pending(f) == 1);
	patient = dm_rq_fake_flush_request(test, 0);
	fake_wait_for(test, dm_rq_fake_pending(f) == 2);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_release(&f->disk[0]);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, first), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, patient), 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fast), 0);
	KUNIT_EXPECT_FALSE(test, f->map_failfast);

	/* One that has a round to itself may */
	fast = dm_rq_fake_flush_request(test, REQ_FAILFAST_DEV);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, fast), 0);
	KUNIT_EXPECT_TRUE(test, f->map_failfast == REQ_FAILFAST_DEV);
}

static struct kunit_case mapping_cases[] = {
	KUNIT_CASE_PARAM(mapping_number, mapping_numbers_gen_params),
	KUNIT_CASE(mapping_from_kdmflush),
	KUNIT_CASE_PARAM(mapping_end_context, mapping_contexts_gen_params),
	KUNIT_CASE(mapping_no_memory),
	KUNIT_CASE(mapping_memory_comes_back),
	KUNIT_CASE(mapping_failfast),
	{ }
};

static struct kunit_suite mapping_suite = {
	.name = "dm-rq-mapping",
	.init = dm_rq_fake_init,
	.exit = dm_rq_fake_exit,
	.test_cases = mapping_cases,
};

kunit_test_suites(&precedence_suite, &requeue_suite, &mapping_suite);
