// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suites dm-rq-served and dm-rq-ordered: the ordered sequencer.
 *
 * The disk holds every request until the test ends it, writes have names, and
 * the disk logs what reaches it.  So each test is a story told by the log: in
 * "aFcFb" write a was issued, then a flush command, barrier I/O c, its
 * post-flush, and last write b.  That something has not been issued is never
 * concluded from time alone: the test waits until the sequencer says that it
 * holds it.
 *
 * dm-rq-served:  the requests that a flush request of the block layer serves.
 * dm-rq-ordered: G1 to G4, G6 and G7 of the sequencer, with each elevator.
 *
 * What happens when paths fail and devices are suspended is in
 * dm-rq-events_kunit.c.
 *
 * This file is released under the GPL.
 */

#include "dm-rq-fake.h"

#define BARRIER	(REQ_PREFLUSH | REQ_FUA)

static const char * const elevators[] = { "none", "mq-deadline", "kyber", "bfq" };

static void elevator_desc(const char * const *name, char *desc)
{
	strscpy(desc, *name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(elevators, elevators, elevator_desc);

/*
 * Create the device with the elevator of the case, or without, for @requests at
 * a time, one of which arrives while @started are under way.
 */
static void create(struct kunit *test, unsigned int requests,
		   unsigned int started)
{
	const char * const *elevator = test->param_value ?: &elevators[0];
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_create(test);
	dm_rq_fake_elevator(test, *elevator, requests, started);
	f->disk[0].context = FAKE_HOLD;
}

static void expect_ends(struct kunit *test, struct dm_rq_fake_io *io, int error)
{
	KUNIT_EXPECT_EQ(test, dm_rq_fake_wait(test, io), error);
}

/* The sequence is over, and nothing is left behind. */
static void expect_idle(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_sequencer s;

	fake_wait_for(test, dm_rq_fake_sequencer(f).gate != GATE_CLOSED);
	s = dm_rq_fake_sequencer(f);
	KUNIT_EXPECT_EQ(test, s.held, 0);
	KUNIT_EXPECT_EQ(test, s.flushes, 0);
	KUNIT_EXPECT_EQ(test, s.expected, 0);
	KUNIT_EXPECT_EQ(test, s.barriers, 0);
	KUNIT_EXPECT_EQ(test, s.owed, 0);
	for (unsigned int i = 0; i < f->md->tag_set->nr_hw_queues; i++)
		KUNIT_EXPECT_EQ(test, s.hw[i].due + s.hw[i].owed +
				s.hw[i].flush, 0);
}

/* --- dm-rq-served -------------------------------------------------------- */

/* What was found, indexed by letter; data that is written has no bio */
struct served {
	unsigned int to_write[26];
	unsigned int written;
	unsigned int empty;
};

static void note_served(struct request *rq, void *data)
{
	struct served *served = data;

	if (!rq->bio)
		served->written++;
	else if (!blk_rq_sectors(rq))
		served->empty++;
	else
		served->to_write[blk_rq_pos(rq) / PAGE_SECTORS / 2]++;
}

/* The requests that the flush request at the head of the line serves */
static struct served served_by_first(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_barrier *b = f->md->rq_barrier;
	struct served served = { };
	struct dm_rq_target_io *tio;

	dm_rq_fake_expect_held(test, 1);
	spin_lock_irq(&b->lock);
	tio = list_first_entry(&b->seq.fifo, struct dm_rq_target_io, line);
	dm_rq_walk_served(blk_mq_rq_from_pdu(tio), note_served, &served);
	spin_unlock_irq(&b->lock);
	return served;
}

static void served_one(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *c;
	struct served served;

	create(test, 2, 1);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	c = dm_rq_fake_write(test, 'c', BARRIER);
	served = served_by_first(test);
	KUNIT_EXPECT_EQ(test, served.to_write[2], 1);
	KUNIT_EXPECT_EQ(test, served.written, 0);
	KUNIT_EXPECT_EQ(test, served.empty, 0);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'a');
	expect_ends(test, a, 0);
	expect_ends(test, c, 0);
	dm_rq_fake_expect_log(test, "aFcF");
}

/* What came while a flush was carried out shares the next one. */
static void served_many(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io[5];
	struct served served;

	create(test, 5, 1);
	io[0] = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	io[1] = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	io[2] = dm_rq_fake_write(test, 'c', BARRIER);
	io[3] = dm_rq_fake_write(test, 'd', BARRIER);
	io[4] = dm_rq_fake_flush(test);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fa");
	served = served_by_first(test);
	KUNIT_EXPECT_EQ(test, served.to_write[2], 1);
	KUNIT_EXPECT_EQ(test, served.to_write[3], 1);
	KUNIT_EXPECT_EQ(test, served.written, 0);
	KUNIT_EXPECT_EQ(test, served.empty, 1);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'a');
	for (int i = 0; i < ARRAY_SIZE(io); i++)
		expect_ends(test, io[i], 0);
}

/* The post-flush of one write is the pre-flush of another. */
static void served_both_ways(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io[4];
	struct served served;

	create(test, 4, 1);
	io[0] = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fc");
	io[1] = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	io[2] = dm_rq_fake_write(test, 'd', BARRIER);
	io[3] = dm_rq_fake_flush(test);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "FcF");
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "FcFa");
	served = served_by_first(test);
	KUNIT_EXPECT_EQ(test, served.to_write[3], 1);
	KUNIT_EXPECT_EQ(test, served.written, 1);
	KUNIT_EXPECT_EQ(test, served.empty, 1);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'a');
	for (int i = 0; i < ARRAY_SIZE(io); i++)
		expect_ends(test, io[i], 0);
}

/* One that is not from blk-flush serves nobody but itself. */
static void served_none(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *flush;
	struct served served;

	create(test, 2, 1);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	flush = dm_rq_fake_flush_request(test, 0);
	served = served_by_first(test);
	KUNIT_EXPECT_EQ(test, served.written + served.empty, 0);
	KUNIT_EXPECT_EQ(test, served.to_write[0], 0);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'a');
	expect_ends(test, a, 0);
	expect_ends(test, flush, 0);
}

static struct kunit_case served_cases[] = {
	KUNIT_CASE_PARAM(served_one, elevators_gen_params),
	KUNIT_CASE_PARAM(served_many, elevators_gen_params),
	KUNIT_CASE_PARAM(served_both_ways, elevators_gen_params),
	KUNIT_CASE_PARAM(served_none, elevators_gen_params),
	{ }
};

static struct kunit_suite served_suite = {
	.name = "dm-rq-served",
	.init = dm_rq_fake_init_ordered,
	.exit = dm_rq_fake_exit,
	.test_cases = served_cases,
};

/* --- dm-rq-ordered: before ----------------------------------------------- */

/* G1: a write that is in flight. */
static void ordered_drains(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *b, *flush;

	create(test, 3, 2);
	a = dm_rq_fake_write(test, 'a', 0);
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_log(test, "ab");
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_held(test, 1);
	/* kdmflush may look late, when there would be nothing left to drain */
	fake_wait_for(test, dm_rq_fake_stats(f).drained == 2);
	dm_rq_fake_end(test, 'b');
	expect_ends(test, b, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	dm_rq_fake_expect_log(test, "ab");

	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "abF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, a, 0);
	expect_ends(test, flush, 0);
	expect_idle(test);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).sequences, 1);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).drained, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).held_max, 1);
	KUNIT_EXPECT_GT(test, dm_rq_fake_stats(f).drain_ns, 0);
	KUNIT_EXPECT_GE(test, dm_rq_fake_stats(f).hold_ns,
			dm_rq_fake_stats(f).drain_ns);
}

/* G1: a write that comes back from a failed path, through the closed gate. */
static void ordered_drains_requeued(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *flush;

	create(test, 2, 1);
	dm_rq_fake_script(&f->writes, &dm_rq_fake_again, &dm_rq_fake_again,
			  NULL);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aa");
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aaa");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aaaF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, a, 0);
	expect_ends(test, flush, 0);
	expect_idle(test);
}

/* G1: a write that no path could take when it came has come nevertheless. */
static void ordered_drains_busy(struct kunit *test)
{
	static const struct dm_rq_fake_outcome busy = {
		.map = DM_MAPIO_REMAPPED,
		.queue = BLK_STS_RESOURCE,
	};
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *flush;

	create(test, 2, 1);
	for (int i = 0; i < FAKE_MAX_SCRIPT; i++)
		f->writes.outcome[i] = &busy;
	f->writes.nr = FAKE_MAX_SCRIPT;
	a = dm_rq_fake_write(test, 'a', 0);
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "a");
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, a, 0);
	expect_ends(test, flush, 0);
	expect_idle(test);
}

/* A write that fails has ended as well. */
static void ordered_drains_failed(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *flush;

	create(test, 2, 1);
	dm_rq_fake_script(&f->writes, &dm_rq_fake_medium, NULL, NULL);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, a, -ENODATA);
	expect_ends(test, flush, 0);
	expect_idle(test);
}

/*
 * Writes that passed before the mode was switched came before the flush.  Once
 * they have ended nobody looks for such writes any more.
 */
static void ordered_drains_uncounted(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *b, *flush;

	create(test, 3, 2);
	dm_rq_fake_set_mode(test, "none");
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	dm_rq_fake_set_mode(test, "drain_flush");
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_held(test, 1);
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 2);
	fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
	dm_rq_fake_expect_log(test, "a");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'a');
	expect_ends(test, a, 0);
	expect_ends(test, flush, 0);
	expect_ends(test, b, 0);
	dm_rq_fake_expect_log(test, "aFb");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).uncounted, 0);
	expect_idle(test);
}

/* --- dm-rq-ordered: after ------------------------------------------------ */

/* G2 and G3: writes wait until the flush is over, in order; reads do not. */
static void ordered_holds(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io[3], *flush, *read;

	create(test, 5, 3);
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	for (int i = 0; i < ARRAY_SIZE(io); i++) {
		io[i] = dm_rq_fake_write(test, 'c' - i, 0);
		dm_rq_fake_expect_held(test, i + 1);
	}
	read = dm_rq_fake_submit(test, REQ_OP_READ, true);
	dm_rq_fake_expect_log(test, "FR");
	dm_rq_fake_end(test, 'R');
	expect_ends(test, read, 0);

	dm_rq_fake_end(test, 'F');
	expect_ends(test, flush, 0);
	dm_rq_fake_expect_log(test, "FRcba");
	expect_idle(test);
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_release(&f->disk[0]);
	for (int i = 0; i < ARRAY_SIZE(io); i++)
		expect_ends(test, io[i], 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).held_max, 3);
}

/* G3: discards and the like are writes. */
static void ordered_holds_zeroes(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *flush, *zeroes;

	dm_rq_fake_set_zeroes(&f->disk[0]);
	create(test, 2, 1);
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	zeroes = dm_rq_fake_zeroes(test, 'a');
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "FZ");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'Z');
	expect_ends(test, flush, 0);
	expect_ends(test, zeroes, 0);
	expect_idle(test);
}

/* Drain, pre-flush, barrier I/O, post-flush, and then the others. */
static void ordered_sequence(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *b, *c, *d;

	create(test, 4, 2);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_held(test, 1);
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aF");
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "aFc");
	d = dm_rq_fake_write(test, 'd', 0);
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "aFcF");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 2);
	KUNIT_EXPECT_FALSE(test, completion_done(&c->done));
	dm_rq_fake_end(test, 'F');
	expect_ends(test, c, 0);
	dm_rq_fake_expect_log(test, "aFcFbd");
	expect_idle(test);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_release(&f->disk[0]);
	expect_ends(test, a, 0);
	expect_ends(test, b, 0);
	expect_ends(test, d, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).sequences, 1);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).extra_rounds, 0);
}

/* A pre-flush without a post-flush: the sequence ends with the data. */
static void ordered_preflush_only(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *c;

	create(test, 2, 1);
	c = dm_rq_fake_write(test, 'c', REQ_PREFLUSH);
	dm_rq_fake_expect_log(test, "F");
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fc");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "Fca");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'a');
	expect_ends(test, c, 0);
	expect_ends(test, a, 0);
	expect_idle(test);
}

/*
 * Between the end of the pre-flush and the barrier I/O, which the block layer
 * cannot hand in as its queue is quiesced, the gate stays closed.  The same
 * between the end of the barrier I/O and the post-flush.
 */
static void ordered_gap(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_sequencer s;
	struct dm_rq_fake_io *c;

	create(test, 1, 1);
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	blk_mq_quiesce_queue(f->md->queue);
	dm_rq_fake_end(test, 'F');
	fake_wait_for(test, !dm_rq_fake_sequencer(f).flushes);
	flush_workqueue(f->md->wq);
	s = dm_rq_fake_sequencer(f);
	KUNIT_EXPECT_EQ(test, s.gate, GATE_CLOSED);
	KUNIT_EXPECT_EQ(test, s.expected, 1);

	blk_mq_unquiesce_queue(f->md->queue);
	dm_rq_fake_expect_log(test, "Fc");
	blk_mq_quiesce_queue(f->md->queue);
	dm_rq_fake_end(test, 'c');
	fake_wait_for(test, !dm_rq_fake_sequencer(f).barriers);
	flush_workqueue(f->md->wq);
	s = dm_rq_fake_sequencer(f);
	KUNIT_EXPECT_EQ(test, s.gate, GATE_CLOSED);
	KUNIT_EXPECT_EQ(test, s.owed, 1);

	blk_mq_unquiesce_queue(f->md->queue);
	dm_rq_fake_expect_log(test, "FcF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, c, 0);
	expect_idle(test);
}

/* --- dm-rq-ordered: members ---------------------------------------------- */

/* G4: two barrier I/Os share a pre-flush, and a post-flush that waits for both. */
static void ordered_shared_preflush(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *c, *d, *flush;

	create(test, 4, 2);
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	c = dm_rq_fake_write(test, 'c', BARRIER);
	d = dm_rq_fake_write(test, 'd', BARRIER);
	dm_rq_fake_end(test, 'F');
	expect_ends(test, flush, 0);
	dm_rq_fake_expect_log(test, "FF");
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'F');
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).barriers, 2);
	dm_rq_fake_end(test, 'c');
	fake_wait_for(test, dm_rq_fake_sequencer(f).owed == 1);
	flush_workqueue(f->md->wq);
	KUNIT_EXPECT_EQ(test, f->disk[0].nr_log, 4);
	dm_rq_fake_end(test, 'd');
	fake_wait_for(test, f->disk[0].nr_log == 5);
	KUNIT_EXPECT_EQ(test, f->disk[0].log[4], 'F');
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	expect_ends(test, c, 0);
	expect_ends(test, d, 0);
	expect_ends(test, a, 0);
	KUNIT_EXPECT_EQ(test, f->disk[0].log[5], 'a');
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 3);
	expect_idle(test);
}

static void need_hardware_queues(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	if (f->md->tag_set->nr_hw_queues < 2 || !cpu_online(1))
		kunit_skip(test, "needs two hardware queues and processors");
}

/*
 * G4: barrier I/Os of two hardware queues, whose pre-flushes share a round.  With
 * an elevator the flush requests come back one by one, and might not.
 */
static void ordered_shared_by_queues(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *b, *c, *d;

	create(test, 4, 2);
	need_hardware_queues(test);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_held(test, 1);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_pin(1), 0);
	d = dm_rq_fake_write(test, 'd', BARRIER);
	dm_rq_fake_expect_held(test, 2);
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 3);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "aF");
	dm_rq_fake_end(test, 'F');
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).barriers, 2);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_held(test, 2);
	flush_workqueue(f->md->wq);
	KUNIT_EXPECT_EQ(test, f->disk[0].nr_log, 4);
	dm_rq_fake_end(test, 'd');
	fake_wait_for(test, f->disk[0].nr_log == 5);
	KUNIT_EXPECT_EQ(test, f->disk[0].log[4], 'F');
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	expect_ends(test, a, 0);
	expect_ends(test, c, 0);
	expect_ends(test, d, 0);
	expect_ends(test, b, 0);
	KUNIT_EXPECT_EQ(test, f->disk[0].log[5], 'b');
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 2);
	expect_idle(test);
}

/* A round is the post-flush of one hardware queue and the pre-flush of another. */
static void ordered_queue_after_queue(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *b, *c, *d;

	create(test, 3, 1);
	need_hardware_queues(test);
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	KUNIT_ASSERT_EQ(test, dm_rq_fake_pin(1), 0);
	d = dm_rq_fake_write(test, 'd', BARRIER);
	dm_rq_fake_expect_held(test, 1);
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fc");
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "FcF");
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "FcFd");
	expect_ends(test, c, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	dm_rq_fake_end(test, 'd');
	dm_rq_fake_expect_log(test, "FcFdF");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	expect_ends(test, d, 0);
	expect_ends(test, b, 0);
	dm_rq_fake_expect_log(test, "FcFdFb");
	expect_idle(test);
}

/* G4: post-flush and pre-flush at once, and a write is held between. */
static void ordered_two_rounds(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *b, *c, *d;

	create(test, 4, 1);
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fc");
	d = dm_rq_fake_write(test, 'd', BARRIER);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "FcF");
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 2);

	/* The first round was for c, a may go, b is behind the second */
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "FcFa");
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "FcFaF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, c, 0);
	dm_rq_fake_expect_log(test, "FcFaFd");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	dm_rq_fake_end(test, 'd');
	dm_rq_fake_expect_log(test, "FcFaFdF");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	expect_ends(test, d, 0);
	expect_ends(test, a, 0);
	expect_ends(test, b, 0);
	dm_rq_fake_expect_log(test, "FcFaFdFb");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).extra_rounds, 1);
	expect_idle(test);
}

/* The same, and nothing is held: one round is enough. */
static void ordered_one_round_for_both(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *c, *d;

	create(test, 2, 1);
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fc");
	d = dm_rq_fake_write(test, 'd', BARRIER);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "FcF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, c, 0);
	dm_rq_fake_expect_log(test, "FcFd");
	dm_rq_fake_end(test, 'd');
	dm_rq_fake_expect_log(test, "FcFdF");
	dm_rq_fake_end(test, 'F');
	expect_ends(test, d, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).extra_rounds, 0);
	expect_idle(test);
}

/* Flushes and writes take turns: neither starves the other. */
static void ordered_line(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io[6];

	create(test, 6, 1);
	io[0] = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	io[1] = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	io[2] = dm_rq_fake_flush_request(test, 0);
	dm_rq_fake_expect_held(test, 2);
	io[3] = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 3);
	io[4] = dm_rq_fake_flush_request(test, 0);
	dm_rq_fake_expect_held(test, 4);
	io[5] = dm_rq_fake_write(test, 'c', 0);
	dm_rq_fake_expect_held(test, 5);

	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fa");
	dm_rq_fake_expect_held(test, 4);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "FaF");
	dm_rq_fake_expect_held(test, 3);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "FaFb");
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'b');
	dm_rq_fake_expect_log(test, "FaFbF");
	dm_rq_fake_expect_held(test, 1);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "FaFbFc");
	dm_rq_fake_end(test, 'c');
	for (int i = 0; i < ARRAY_SIZE(io); i++)
		expect_ends(test, io[i], 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).sequences, 3);
	expect_idle(test);
}

/* R5: flushes that no write separates share a round. */
static void ordered_group_commit(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io[5];

	create(test, 5, 3);
	io[0] = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	io[1] = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	io[2] = dm_rq_fake_flush_request(test, 0);
	io[3] = dm_rq_fake_flush_request(test, 0);
	io[4] = dm_rq_fake_flush_request(test, 0);
	dm_rq_fake_expect_held(test, 4);
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	for (int i = 0; i < ARRAY_SIZE(io); i++)
		expect_ends(test, io[i], 0);
	dm_rq_fake_expect_log(test, "FaF");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).requests, 4);
	expect_idle(test);
}

/* --- dm-rq-ordered: FUA alone -------------------------------------------- */

/* G7: it passes an open gate, and its post-flush begins a sequence. */
static void ordered_fua_only(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *b, *u;

	create(test, 3, 2);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	u = dm_rq_fake_write(test, 'u', REQ_FUA);
	dm_rq_fake_expect_log(test, "au");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).gate, GATE_OPEN);
	dm_rq_fake_end(test, 'u');
	dm_rq_fake_expect_held(test, 1);
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "auF");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	expect_ends(test, u, 0);
	expect_ends(test, a, 0);
	expect_ends(test, b, 0);
	dm_rq_fake_expect_log(test, "auFb");
	expect_idle(test);
}

/* At a closed gate it is held like any other write. */
static void ordered_fua_held(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *u, *flush;

	create(test, 3, 2);
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	u = dm_rq_fake_write(test, 'u', REQ_FUA);
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "Fau");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_release(&f->disk[0]);
	expect_ends(test, flush, 0);
	expect_ends(test, a, 0);
	expect_ends(test, u, 0);
	dm_rq_fake_expect_log(test, "FauF");
	expect_idle(test);
}

/*
 * Unless blk-flush would not issue the post-flush that the sequence waits for.
 * One comes while the barrier I/O is under way, another was held before.
 */
static void ordered_fua_joins(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *c, *t, *u;

	create(test, 4, 3);
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	t = dm_rq_fake_write(test, 't', REQ_FUA);
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'F');
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 2);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	u = dm_rq_fake_write(test, 'u', REQ_FUA);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 3);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).barriers, 3);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_end(test, 't');
	dm_rq_fake_end(test, 'u');
	fake_wait_for(test, f->disk[0].nr_log == 5);
	KUNIT_EXPECT_EQ(test, f->disk[0].log[4], 'F');
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	expect_ends(test, c, 0);
	expect_ends(test, t, 0);
	expect_ends(test, u, 0);
	expect_ends(test, a, 0);
	KUNIT_EXPECT_EQ(test, f->disk[0].log[5], 'a');
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).rounds, 2);
	expect_idle(test);
}

/*
 * blk-flush issues a flush, for e, between the pre-flush and the barrier I/O:
 * the pre-flush serves x as well, and x ends first.  The flush in the way does
 * the post-flush's work.
 */
static void flush_in_the_way(struct kunit *test, bool held)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a = NULL, *c, *e, *flush, *x;

	create(test, 5, 1);
	flush = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	x = dm_rq_fake_flush(test);
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_end(test, 'F');
	expect_ends(test, flush, 0);
	dm_rq_fake_expect_log(test, "FF");
	if (held) {
		a = dm_rq_fake_write(test, 'a', 0);
		dm_rq_fake_expect_held(test, 1);
	}
	e = dm_rq_fake_flush(test);
	dm_rq_fake_end(test, 'F');
	expect_ends(test, x, 0);
	dm_rq_fake_expect_log(test, "FFc");
	dm_rq_fake_expect_held(test, held + 1);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "FFcF");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, held);
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'F');
	if (a)
		expect_ends(test, a, 0);
	expect_ends(test, e, 0);
	expect_ends(test, c, 0);
	dm_rq_fake_expect_log(test, held ? "FFcFaFF" : "FFcFF");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).extra_rounds, held);
	expect_idle(test);
}

static void ordered_flush_in_the_way(struct kunit *test)
{
	flush_in_the_way(test, false);
}

static void ordered_flush_in_the_way_held(struct kunit *test)
{
	flush_in_the_way(test, true);
}

/* A suspend is about to stop the queue; no barrier I/O is under way. */
static void expect_finished(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	int r;

	mutex_lock(&f->md->suspend_lock);
	r = dm_rq_ordered_finish(f->md, TASK_INTERRUPTIBLE);
	mutex_unlock(&f->md->suspend_lock);
	KUNIT_EXPECT_EQ(test, r, 0);
}

/* So many have had their pre-flush, and are not issued before the resume. */
static void expect_not_issued(struct kunit *test, unsigned int expected)
{
	struct dm_rq_fake *f = test->priv;

	fake_wait_for(test, dm_rq_fake_sequencer(f).expected == expected);
	fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
	dm_rq_fake_expect_log(test, "F");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).expected, expected);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).barriers, 0);

	f->disk[0].context = FAKE_DIRECT;
	dm_rq_ordered_resume(f->md);
}

/*
 * Between the end of the last post-flush and the queue's stop a suspend lets
 * pre-flushes pass, but no barrier I/O: its post-flush might come too late.
 */
static void ordered_finish(struct kunit *test)
{
	struct dm_rq_fake_io *d;

	create(test, 1, 1);
	expect_finished(test);
	d = dm_rq_fake_write(test, 'd', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	dm_rq_fake_end(test, 'F');
	expect_not_issued(test, 1);
	expect_ends(test, d, 0);
	dm_rq_fake_expect_log(test, "FdF");
	expect_idle(test);
}

/* Nor does a write join that would be the first. */
static void ordered_finish_joins(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *d, *u;

	create(test, 2, 1);
	d = dm_rq_fake_write(test, 'd', BARRIER);
	dm_rq_fake_expect_log(test, "F");
	u = dm_rq_fake_write(test, 'u', REQ_FUA);
	dm_rq_fake_expect_held(test, 1);
	expect_finished(test);
	dm_rq_fake_end(test, 'F');
	expect_not_issued(test, 2);
	expect_ends(test, d, 0);
	expect_ends(test, u, 0);
	KUNIT_EXPECT_EQ(test, strlen(f->disk[0].log), 4);
	KUNIT_EXPECT_EQ(test, f->disk[0].log[3], 'F');
	expect_idle(test);
}

/* --- dm-rq-ordered: the rest --------------------------------------------- */

/*
 * Of two tags a read has one.  A write that was let go waits for the other one,
 * which a flush has that waits for the write.
 */
static void ordered_tag_returned(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io[4];

	dm_rq_fake_create(test);
	dm_rq_fake_elevator(test, "mq-deadline", 4, 1);
	if (f->md->tag_set->queue_depth != 2)
		kunit_skip(test, "needs dm_mq_queue_depth=2");
	f->disk[0].context = FAKE_HOLD;
	io[0] = dm_rq_fake_flush(test);
	dm_rq_fake_expect_log(test, "F");
	io[1] = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_held(test, 1);
	io[2] = dm_rq_fake_submit(test, REQ_OP_READ, true);
	dm_rq_fake_expect_log(test, "FR");
	io[3] = dm_rq_fake_flush(test);
	dm_rq_fake_end(test, 'F');
	dm_rq_fake_expect_log(test, "FRa");
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "FRaF");
	dm_rq_fake_release(&f->disk[0]);
	for (int i = 0; i < ARRAY_SIZE(io); i++)
		expect_ends(test, io[i], 0);
	expect_idle(test);
}

/* With scarce tags nothing gets stuck, and nothing is lost. */
static void ordered_scarce_tags(struct kunit *test)
{
	const char * const *elevator = test->param_value;
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io[40];

	dm_rq_fake_create(test);
	dm_rq_fake_elevator(test, *elevator, 1, 0);
	f->disk[0].context = FAKE_THREAD;
	for (int i = 0; i < ARRAY_SIZE(io); i++) {
		if (i % 8 == 3)
			io[i] = dm_rq_fake_flush(test);
		else if (i % 8 == 5)
			io[i] = dm_rq_fake_write(test, 'a' + i % 20, BARRIER);
		else if (i % 8 == 7)
			io[i] = dm_rq_fake_write(test, 'a' + i % 20, REQ_FUA);
		else
			io[i] = dm_rq_fake_write(test, 'a' + i % 20, 0);
	}
	for (int i = 0; i < ARRAY_SIZE(io); i++)
		expect_ends(test, io[i], 0);
	expect_idle(test);
}

/* G6 */
static void ordered_features(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	dm_rq_fake_set_features(&f->disk[0], BLK_FEAT_WRITE_CACHE |
				BLK_FEAT_FUA);
	dm_rq_fake_create(test);
	KUNIT_EXPECT_TRUE(test, bdev_write_cache(dm_disk(f->md)->part0));
	KUNIT_EXPECT_FALSE(test, bdev_fua(dm_disk(f->md)->part0));
	KUNIT_EXPECT_NULL(test, f->md->queue->elevator);

	dm_rq_fake_set_features(&f->disk[0], 0);
	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 1), 0);
	KUNIT_EXPECT_TRUE(test, bdev_write_cache(dm_disk(f->md)->part0));
	KUNIT_EXPECT_FALSE(test, bdev_fua(dm_disk(f->md)->part0));
}

/* G6 and R6: without a cache a barrier is a drain, and no command is sent. */
static void ordered_write_through(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *a, *b, *c;

	dm_rq_fake_set_features(&f->disk[0], 0);
	create(test, 3, 1);
	a = dm_rq_fake_write(test, 'a', 0);
	dm_rq_fake_expect_log(test, "a");
	c = dm_rq_fake_write(test, 'c', BARRIER);
	dm_rq_fake_expect_held(test, 1);
	b = dm_rq_fake_write(test, 'b', 0);
	dm_rq_fake_expect_held(test, 2);
	dm_rq_fake_end(test, 'a');
	dm_rq_fake_expect_log(test, "ac");
	KUNIT_EXPECT_EQ(test, dm_rq_fake_sequencer(f).held, 1);
	dm_rq_fake_end(test, 'c');
	dm_rq_fake_expect_log(test, "acb");
	f->disk[0].context = FAKE_DIRECT;
	dm_rq_fake_end(test, 'b');
	expect_ends(test, a, 0);
	expect_ends(test, b, 0);
	expect_ends(test, c, 0);
	KUNIT_EXPECT_EQ(test, dm_rq_fake_stats(f).commands, 0);
	expect_idle(test);
}

static struct kunit_case ordered_cases[] = {
	KUNIT_CASE_PARAM(ordered_drains, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_drains_requeued, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_drains_busy, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_drains_failed, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_drains_uncounted, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_holds, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_holds_zeroes, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_sequence, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_preflush_only, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_gap, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_shared_preflush, elevators_gen_params),
	KUNIT_CASE(ordered_shared_by_queues),
	KUNIT_CASE(ordered_queue_after_queue),
	KUNIT_CASE_PARAM(ordered_two_rounds, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_one_round_for_both, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_line, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_group_commit, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_fua_only, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_fua_held, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_fua_joins, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_flush_in_the_way, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_flush_in_the_way_held, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_finish, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_finish_joins, elevators_gen_params),
	KUNIT_CASE_PARAM(ordered_scarce_tags, elevators_gen_params),
	KUNIT_CASE(ordered_tag_returned),
	KUNIT_CASE(ordered_features),
	KUNIT_CASE_PARAM(ordered_write_through, elevators_gen_params),
	{ }
};

static struct kunit_suite ordered_suite = {
	.name = "dm-rq-ordered",
	.init = dm_rq_fake_init_ordered,
	.exit = dm_rq_fake_exit,
	.test_cases = ordered_cases,
};

kunit_test_suites(&served_suite, &ordered_suite);
