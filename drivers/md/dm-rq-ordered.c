// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ordered sequencer of request-based device-mapper: QUEUE_ORDERED_DRAIN_FLUSH.
 *
 * In mode drain_flush a flush is an ordering point for writes.  The block layer
 * (block/blk-flush.c) cuts a write with REQ_PREFLUSH and REQ_FUA into steps:
 * pre-flush, data, post-flush; the steps come to dm as requests of their own.
 * From the first of them to the last the device runs an ordered sequence:
 *
 *	drain, pre-flush round, barrier I/O, post-flush round
 *
 * with a gate closed, so that no ordinary write gets between them.  An empty
 * flush (fsync) is a sequence that ends after the pre-flush round.
 *
 * Terms.  Write: whatever changes data, discards and zone operations too.
 * Member: a flush request that had its turn, or a barrier I/O, which is the data
 * step of a write with a pre-flush.  Ordinary write: one that is not a member.
 * Order: that in which requests reach dm's queue_rq().
 *
 * The rules, cited below:
 *
 * G1. When the round of a flush request starts, all ordinary writes that reached
 *     dm before it have ended; also those that a path failed and that dm has
 *     requeued.
 *
 * G2. An ordinary write that reached dm after a flush request is not mapped
 *     before the last member of the sequence has ended.
 *
 * G3. Reads pass, whatever happens.
 *
 * G4. Members pass the gate.  Barrier I/Os that share a pre-flush are issued
 *     together, and their post-flush round waits for all of them.  blk-flush may
 *     use one flush request as the post-flush of one write and the pre-flush of
 *     another.  If writes are held that came before it, it gets two rounds, with
 *     those writes between: the first is the post-flush that they wait for, the
 *     second the pre-flush that has to cover them.
 *
 * G5. Path failure, suspend, resume, another table and another mode may come at
 *     any moment, and nothing is lost, duplicated or stuck.
 *
 * G6. See dm-rq-features.c for what the queue advertises.
 *
 * G7. A write with REQ_FUA alone is no ordering point, it is an ordinary write.
 *     The post-flush that follows it begins a sequence.
 *
 * One line.  What may not go on is held in one list, dm_rq_sequencer.fifo,
 * writes and flush requests in the order in which they came.  When a sequence is
 * over, the writes in front of the first flush request are let go; when they
 * have ended (the drain), that flush request, and those that follow it without a
 * write between, begin the next sequence.  So a storm of flushes cannot starve
 * writers, nor writers flushes, and G1 and G2 are a matter of standing in line.
 * If the line is empty the gate opens.
 *
 * States of a request (dm_rq_target_io.ordered; they survive a requeue):
 *
 *	NONE ---> COUNTED ---> NONE		write, gate open
 *	NONE -> HELD|RETURNED -> COUNTED -> NONE	write, gate closed
 *	NONE -> HELD|RETURNED -> MEMBER -> NONE	flush request
 *	NONE -> EXPECTED -> BARRIER -> OWED -> NONE	barrier I/O
 *	NONE|HELD|RETURNED -> EXPECTED -> ...	write that joins a sequence
 *
 *   COUNTED	in md->pending_io, until it has ended; passes a closed gate (it
 *		was there before, and is back because of a path)
 *   HELD	in line, in dm's hand: accepted, but not started
 *   RETURNED	in line, but given back to the block layer
 *   MEMBER	a flush request that had its turn
 *   EXPECTED	its pre-flush was completed, or it joined: on its way to dm
 *   BARRIER	it was issued
 *   OWED	its data is written, and not flushed
 *
 * A held request that came through an elevator holds a driver tag, of which
 * there may be one, and what the elevator has given it besides (tokens of kyber,
 * bfq's idea of what is in service); members need the same to get here.  So with
 * an elevator it is RETURNED: it goes back to the block layer, which hands it in
 * again at every occasion, until it is its turn.  Without an elevator all tags
 * are dm's own and it is HELD.
 *
 * Requests in line are not started.  So they do not keep a suspend waiting, and
 * no time is running against them.
 *
 * Who runs when.  Only dm_rq_ordered_advance() moves the line, and only kdmflush
 * calls it, so that no two run at a time.  Everybody else changes states under
 * dm_rq_barrier.lock and queues the work when there may be something to do: when
 * a flush request arrives, when the drain is over, when a barrier I/O has ended,
 * at resume, and when the mode is switched.  The work does not wait for writes.
 *
 * Nothing of that concerns an ordinary write while the gate is open.  It adds
 * one to a counter of its own CPU, looks at the gate, and subtracts one where it
 * ends.  The barriers:
 *
 * A. admit: count, then look at the gate
 *    close_gate() and drained(): close the gate, then sum up the counters
 *
 *    Either the write sees the closed gate, or the sum includes the write.  Each
 *    side has a full barrier between its two steps.
 *
 * B. dm_rq_ordered_uncount(): subtract, then look at dm_rq_sequencer.draining
 *    drained(): set draining, then sum up the counters
 *
 *    Either the sum is without the write, or the write's end sees that somebody
 *    waits.  Again a full barrier each.
 *
 * A sum is not a snapshot: it must not see the end of a write, on one CPU, whose
 * beginning it missed, on another.  It does not, as a write that is counted while
 * the gate is closed either takes itself out again on the same CPU, or was held
 * and is counted by kdmflush, which sums up itself.
 *
 * The gap.  When a pre-flush ends dm has nothing in its hands, until the block
 * layer comes back with the barrier I/O.  So before a flush request is ended, the
 * requests that it serves (dm-rq-served.c) become EXPECTED.  The same at the end
 * of a barrier I/O: it becomes OWED before it ends.
 *
 * Writes with REQ_FUA alone and blk-flush.  blk-flush issues no flush for a
 * hardware queue as long as the data step of such a write lasts there (rules C2
 * and C3 of block/blk-flush.c).  If the sequence waits for a post-flush from that
 * hardware queue, holding such a write would be a deadlock.  It joins the
 * sequence then, as a barrier I/O.  It has to be one of as many as there are
 * tags, each of which waits for the same post-flush, so that ends.
 *
 * A flush in the way.  blk-flush has one flush request per hardware queue in
 * flight (its rule C1), and it may issue one between the pre-flush and the
 * barrier I/O: in flush_end_io(), after a request in front of the barrier I/O was
 * completed.  That flush request is in line, perhaps behind writes, and the
 * post-flush cannot be issued before it ends.  So it does the post-flush's work:
 * once the barrier I/O is done it gets a round, which makes the data of all
 * barrier I/Os of its hardware queue safe, and the sequence is over.  The
 * post-flush proper finds nothing owed to it when it comes, and is a sequence of
 * its own.
 *
 * Suspend.  Nothing is issued while DMF_BLOCK_IO_FOR_SUSPEND is set.  A suspend
 * without noflush first waits until barrier I/Os that were issued have had their
 * post-flush, which must not run on another table, and no others are issued
 * meanwhile.  A noflush suspend stops anywhere.  dm_queue_flush(), at resume and
 * when a suspend is given up, gets the line moving again.
 *
 * Mode.  A sequence that is running when the mode is switched ends by these
 * rules.  Then everything in line is let go, and the gate is off.  When the mode
 * is switched to drain_flush, writes may be in flight that were not counted.  As
 * long as there are any, kdmflush looks at the tags instead; once they are gone
 * it never looks again.
 *
 * Deviations from the letter of the rules, on purpose:
 * - Writes that are let go return through the block layer, hardware queue by
 *   hardware queue, so that no CPU has to map them all while others idle.  They
 *   are given back in their order, and those of one hardware queue keep it as
 *   far as the block layer keeps the order of what it dispatches: not if a path
 *   is busy, or if two CPUs dispatch for the same hardware queue at a time.
 * - Flush requests with a held write between them do not share a round, though
 *   they wait at the same time (R5): G1 and G2 forbid it.  Those of several
 *   hardware queues that were RETURNED come back one by one, and may not either.
 * - A write that dm had requeued when the mode was switched counts as arriving
 *   anew.
 * - What comes while the device is suspended is given back at once, writes as
 *   well as flush requests, and has not reached dm: nobody may rely on it, as
 *   nothing of it was started.  The resume decides anew who is first.
 *
 * This file is released under the GPL.
 */

#include "dm-core.h"
#include "dm-rq.h"
#include "dm-rq-barrier.h"

#include <linux/blk-mq.h>
#include <linux/delay.h>

#include <trace/events/dm_rq_barrier.h>

/* What kdmflush has to do once the lock is dropped */
struct ordered_turn {
	struct list_head requeue;	/* held requests to be given back */
	struct list_head start;		/* held flush requests to be started */
	bool kick;			/* returned requests may come back */
};

static struct dm_rq_target_io *to_tio(struct request *rq)
{
	return blk_mq_rq_to_pdu(rq);
}

static struct request *to_rq(struct dm_rq_target_io *tio)
{
	return blk_mq_rq_from_pdu(tio);
}

static dev_t ordered_devt(struct dm_rq_barrier *b)
{
	return disk_devt(dm_disk(b->md));
}

static bool is_flush(struct dm_rq_target_io *tio)
{
	return req_op(to_rq(tio)) == REQ_OP_FLUSH;
}

static void set_state(struct dm_rq_target_io *tio, unsigned int state)
{
	WRITE_ONCE(tio->ordered, state);
}

/*
 * Does a post-flush follow the data step?  REQ_FUA is taken from the request,
 * not from the bio, if the queue did not advertise FUA when it was inserted.
 */
static bool wants_post_flush(struct request *rq)
{
	return (rq->biotail->bi_opf & REQ_FUA) && !(rq->cmd_flags & REQ_FUA);
}

static struct dm_rq_ordered_hw *to_hw(struct dm_rq_barrier *b,
				      struct request *rq)
{
	return &b->seq.hw[rq->mq_hctx->queue_num];
}

/* --- counting ------------------------------------------------------------ */

static unsigned long counted_writes(struct mapped_device *md)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(md->pending_io, cpu));

	return sum;
}

/**
 * __dm_rq_ordered_drained - was that the last write that a drain waited for?
 * @b: barrier state of the device, one of whose counters went down
 *
 * Context: Any.
 */
void __dm_rq_ordered_drained(struct dm_rq_barrier *b)
{
	if (!counted_writes(b->md))
		dm_rq_barrier_kick(b);
}

static bool is_uncounted(struct request *rq, void *data)
{
	bool *found = data;

	if (!op_is_write(req_op(rq)) || READ_ONCE(to_tio(rq)->ordered))
		return true;

	/* Its data is written, it waits for a flush that may wait for us */
	if ((rq->rq_flags & RQF_FLUSH_SEQ) && blk_mq_request_completed(rq))
		return true;

	*found = true;
	return false;
}

/*
 * Writes of the time before the mode was switched to drain_flush are not
 * counted, so nobody says when they end.  Look again after a nap, which is
 * short enough for those who flush the workqueue.
 */
static bool uncounted_in_flight(struct dm_rq_barrier *b)
{
	unsigned int seen = READ_ONCE(b->seq.uncounted);
	bool found = false;

	if (likely(!seen))
		return false;

	blk_mq_tagset_busy_iter(b->md->tag_set, is_uncounted, &found);
	if (!found) {
		cmpxchg(&b->seq.uncounted, seen, 0);
		return false;
	}

	fsleep(USEC_PER_MSEC);
	dm_rq_barrier_kick(b);
	return true;
}

static void start_drain(struct dm_rq_barrier *b, unsigned long writes)
{
	trace_dm_rq_barrier_drain(ordered_devt(b), writes);
	b->stats.drained += writes;
	b->seq.drain_start_ns = ktime_get_ns();
}

static void end_drain(struct dm_rq_barrier *b)
{
	u64 ns = 0;

	if (b->seq.drain_start_ns)
		ns = ktime_get_ns() - b->seq.drain_start_ns;

	trace_dm_rq_barrier_drained(ordered_devt(b), ns);
	b->stats.drain_ns += ns;
	b->seq.drain_start_ns = 0;
}

/* G1.  Have all writes ended that were counted?  If not, their ends will say. */
static bool drained(struct dm_rq_barrier *b)
{
	struct dm_rq_sequencer *s = &b->seq;
	unsigned long writes;

	WRITE_ONCE(s->draining, true);
	smp_mb(); /* A and B, with counting and uncounting */
	writes = counted_writes(b->md);
	if (writes) {
		if (!s->drain_start_ns)
			start_drain(b, writes);
		return false;
	}

	WRITE_ONCE(s->draining, false);
	end_drain(b);
	return true;
}

/* --- the gate and the line ----------------------------------------------- */

static enum dm_rq_gate idle_gate(struct dm_rq_barrier *b)
{
	if (READ_ONCE(b->mode) == QUEUE_ORDERED_DRAIN_FLUSH)
		return GATE_OPEN;

	return GATE_OFF;
}

static void close_gate(struct dm_rq_barrier *b)
{
	b->seq.closed_ns = ktime_get_ns();
	WRITE_ONCE(b->seq.gate, GATE_CLOSED);
	trace_dm_rq_barrier_gate_close(ordered_devt(b), b->stats.sequences + 1);
}

static void open_gate(struct dm_rq_barrier *b, enum dm_rq_gate gate)
{
	u64 ns = ktime_get_ns() - b->seq.closed_ns;

	WRITE_ONCE(b->seq.draining, false);
	b->seq.drain_start_ns = 0;
	WRITE_ONCE(b->seq.gate, gate);
	b->stats.hold_ns += ns;
	trace_dm_rq_barrier_gate_open(ordered_devt(b), b->stats.sequences, ns);
}

/*
 * Give a request back that was accepted but not started, and its tag.  Whoever
 * waits for a tag is told when a request is freed, but not when one is requeued.
 */
static void return_request(struct request *rq)
{
	struct blk_mq_hw_ctx *hctx = rq->mq_hctx;

	rq->rq_flags |= RQF_DONTPREP;
	blk_mq_requeue_request(rq, false);
	blk_mq_delay_run_hw_queue(hctx, 0);
}

/*
 * A request that is in line does not go on.  It is given back under the lock:
 * whoever finds it RETURNED and lets it go has to find it where a kick helps.
 */
static void stop_request(struct dm_rq_target_io *tio)
{
	struct request *rq = to_rq(tio);

	if (!rq->q->elevator) {
		set_state(tio, ORDERED_HELD);
		return;
	}

	set_state(tio, ORDERED_RETURNED);
	return_request(rq);
}

static void take_place(struct dm_rq_barrier *b, struct dm_rq_target_io *tio,
		       struct list_head *place)
{
	struct dm_rq_sequencer *s = &b->seq;
	struct request *rq = to_rq(tio);

	list_add_tail(&tio->line, place);
	s->held++;
	b->stats.held_max = max_t(u64, b->stats.held_max, s->held);
	trace_dm_rq_barrier_hold(ordered_devt(b),
				 is_flush(tio) ? "flush" : "write",
				 is_flush(tio) ? 0 : blk_rq_pos(rq),
				 blk_rq_sectors(rq), s->held);
}

static void join_line(struct dm_rq_barrier *b, struct dm_rq_target_io *tio)
{
	tio->arrival = ++b->seq.arrivals;
	take_place(b, tio, &b->seq.fifo);
}

/* G4: the place that a flush request had when it came, not the last one. */
static void rejoin_line(struct dm_rq_barrier *b, struct dm_rq_target_io *tio)
{
	struct list_head *place = &b->seq.fifo;
	struct dm_rq_target_io *pos;

	list_for_each_entry(pos, &b->seq.fifo, line) {
		if (pos->arrival > tio->arrival) {
			place = &pos->line;
			break;
		}
	}

	take_place(b, tio, place);
}

static void leave_line(struct dm_rq_barrier *b, struct dm_rq_target_io *tio,
		       unsigned int state, struct list_head *if_held,
		       struct ordered_turn *turn)
{
	if (tio->ordered == ORDERED_HELD) {
		list_move_tail(&tio->line, if_held);
	} else {
		list_del_init(&tio->line);
		turn->kick = true;
	}

	set_state(tio, state);
}

/* Flush requests are in hand when they come; do not sit on what others need. */
static void return_flushes(struct list_head *line)
{
	struct dm_rq_target_io *tio;

	list_for_each_entry(tio, line, line)
		if (tio->ordered == ORDERED_HELD)
			stop_request(tio);
}

/* --- arrival ------------------------------------------------------------- */

static void expect_barrier_io(struct dm_rq_barrier *b,
			      struct dm_rq_target_io *tio)
{
	struct request *rq = to_rq(tio);

	set_state(tio, ORDERED_EXPECTED);
	b->seq.expected++;
	to_hw(b, rq)->due += wants_post_flush(rq);
}

static void issue_barrier_io(struct dm_rq_barrier *b,
			     struct dm_rq_target_io *tio)
{
	struct request *rq = to_rq(tio);

	set_state(tio, ORDERED_BARRIER);
	b->seq.barriers++;
	trace_dm_rq_barrier_io(ordered_devt(b), blk_rq_pos(rq),
			       blk_rq_sectors(rq));
}

/*
 * Does the sequence wait for a post-flush that blk-flush does not issue before
 * this write has ended?
 */
static bool must_join(struct dm_rq_barrier *b, struct request *rq)
{
	struct dm_rq_ordered_hw *hw = to_hw(b, rq);

	return (rq->rq_flags & RQF_FLUSH_SEQ) && hw->due && !hw->flush;
}

/* Return false if the barrier I/O has to wait for the resume. */
static bool admit_expected(struct dm_rq_barrier *b, struct dm_rq_target_io *tio,
			   blk_status_t *status)
{
	struct dm_rq_sequencer *s = &b->seq;

	if (s->finishing && !s->barriers && !s->owed) {
		*status = BLK_STS_RESOURCE;
		return false;
	}

	s->expected--;
	issue_barrier_io(b, tio);
	return true;
}

static bool admit_new_write(struct dm_rq_barrier *b,
			    struct dm_rq_target_io *tio, blk_status_t *status)
{
	struct request *rq = to_rq(tio);

	switch (b->seq.gate) {
	case GATE_OFF:
		return true;
	case GATE_OPEN:
		this_cpu_inc(*b->md->pending_io);
		set_state(tio, ORDERED_COUNTED);
		return true;
	case GATE_CLOSED:
		break;
	}

	if (must_join(b, rq)) {
		expect_barrier_io(b, tio);
		return admit_expected(b, tio, status);
	}

	join_line(b, tio);
	stop_request(tio);
	return false;
}

/* A write that found the gate closed, or that has been here before. */
static bool admit_stopped_write(struct dm_rq_barrier *b,
				struct dm_rq_target_io *tio,
				blk_status_t *status)
{
	unsigned long flags;
	bool admit = true;

	spin_lock_irqsave(&b->lock, flags);
	*status = BLK_STS_OK;
	switch (tio->ordered) {
	case ORDERED_NONE:
		admit = admit_new_write(b, tio, status);
		break;
	case ORDERED_EXPECTED:
		admit = admit_expected(b, tio, status);
		break;
	case ORDERED_RETURNED:
		stop_request(tio);
		admit = false;
		break;
	}
	spin_unlock_irqrestore(&b->lock, flags);

	return admit;
}

/*
 * The first in line gets things going; a post-flush that the sequence waits for
 * may be startable now.  Both are kept in hand until kdmflush has had a look.
 */
static void stop_new_flush(struct dm_rq_barrier *b, struct dm_rq_target_io *tio)
{
	struct request *rq = to_rq(tio);
	struct dm_rq_ordered_hw *hw = to_hw(b, rq);
	bool look = b->seq.gate == GATE_OPEN || hw->due;

	if (b->seq.gate == GATE_OPEN)
		close_gate(b);
	if (rq->rq_flags & RQF_FLUSH_SEQ)
		hw->flush = true;

	join_line(b, tio);
	if (!look) {
		stop_request(tio);
		return;
	}

	set_state(tio, ORDERED_HELD);
	dm_rq_barrier_kick(b);
}

/* Return true if the flush request has to be started. */
static bool admit_stopped_flush(struct dm_rq_barrier *b,
				struct dm_rq_target_io *tio)
{
	bool start = false;

	switch (tio->ordered) {
	case ORDERED_NONE:
		if (b->seq.gate == GATE_OFF)
			return true;
		stop_new_flush(b, tio);
		break;
	case ORDERED_RETURNED:
		stop_request(tio);
		if (tio->ordered == ORDERED_HELD)
			dm_rq_barrier_kick(b);
		break;
	case ORDERED_MEMBER:
		start = true;
		break;
	}

	return start;
}

static bool admit_flush(struct dm_rq_barrier *b, struct dm_rq_target_io *tio)
{
	unsigned long flags;
	bool start;

	if (READ_ONCE(b->seq.gate) == GATE_OFF && !READ_ONCE(tio->ordered) &&
	    !dm_rq_barrier_enabled(b->md))
		return true;

	spin_lock_irqsave(&b->lock, flags);
	start = admit_stopped_flush(b, tio);
	spin_unlock_irqrestore(&b->lock, flags);

	if (start) {
		dm_start_unmapped_request(b->md, to_rq(tio));
		dm_rq_barrier_add(tio);
	}
	return false;
}

/**
 * __dm_rq_ordered_admit - may a request that is not a read be mapped now?
 * @md: the mapped device
 * @rq: a request that reached dm's queue_rq()
 * @status: if not: what queue_rq() has to return
 *
 * Context: dm's queue_rq().
 * Return: see dm_rq_ordered_admit().
 */
bool __dm_rq_ordered_admit(struct mapped_device *md, struct request *rq,
			   blk_status_t *status)
{
	struct dm_rq_barrier *b = md->rq_barrier;
	struct dm_rq_target_io *tio = to_tio(rq);
	unsigned int state;

	if (req_op(rq) == REQ_OP_FLUSH) {
		*status = BLK_STS_OK;
		return admit_flush(b, tio);
	}

	if (!op_is_write(req_op(rq)))
		return true;

	state = READ_ONCE(tio->ordered);

	/* Back from a failed path, or let go */
	if (state == ORDERED_COUNTED || state == ORDERED_BARRIER)
		return true;

	return admit_stopped_write(b, tio, status);
}

/* --- the end of requests ------------------------------------------------- */

/* Somebody wants to suspend the device, and no post-flush is due any more. */
static void wake_finisher(struct dm_rq_barrier *b)
{
	struct dm_rq_sequencer *s = &b->seq;

	if (s->finishing && !s->barriers && !s->owed)
		wake_up(&b->md->wait);
}

/* A barrier I/O that nothing follows is out of the sequence. */
static void drop_barrier_io(struct dm_rq_barrier *b)
{
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	b->seq.barriers--;
	wake_finisher(b);
	dm_rq_barrier_kick(b);
	spin_unlock_irqrestore(&b->lock, flags);
}

/*
 * To end the request is what makes blk-flush issue the post-flush, which may
 * arrive before the call returns.  So the state is set before, and the sequence
 * never seems to be over.
 */
static void end_barrier_io(struct dm_rq_barrier *b, struct request *rq,
			   blk_status_t error)
{
	struct dm_rq_target_io *tio = to_tio(rq);
	struct dm_rq_ordered_hw *hw = to_hw(b, rq);
	bool post = wants_post_flush(rq);
	bool owed = post && !error;
	unsigned long flags;

	trace_dm_rq_barrier_io_end(ordered_devt(b), blk_rq_pos(rq),
				   tio->completed >> SECTOR_SHIFT,
				   blk_status_to_errno(error), owed);

	spin_lock_irqsave(&b->lock, flags);
	if (owed) {
		set_state(tio, ORDERED_OWED);
		list_add_tail(&tio->line, &hw->owing);
		hw->owed++;
		b->seq.owed++;
		b->seq.barriers--;
		/* Its post-flush may be here already, see settle() */
		if (hw->flush)
			dm_rq_barrier_kick(b);
	} else {
		set_state(tio, ORDERED_NONE);
		hw->due -= post;
	}
	spin_unlock_irqrestore(&b->lock, flags);

	blk_mq_end_request(rq, error);

	if (!owed)
		drop_barrier_io(b);
}

/* The data of a barrier I/O is safe, or the write has failed. */
static void settle(struct dm_rq_barrier *b, struct dm_rq_target_io *tio)
{
	struct dm_rq_ordered_hw *hw = to_hw(b, to_rq(tio));

	set_state(tio, ORDERED_NONE);
	list_del_init(&tio->line);
	hw->due--;
	hw->owed--;
	b->seq.owed--;
}

/* "A flush in the way": all that is owed here was written before the round. */
static void settle_all(struct dm_rq_barrier *b, struct dm_rq_ordered_hw *hw)
{
	struct dm_rq_target_io *tio, *next;

	list_for_each_entry_safe(tio, next, &hw->owing, line)
		settle(b, tio);
}

struct served {
	struct dm_rq_barrier *b;
	blk_status_t error;
};

/* What comes of a request whose flush request ends: "The gap" */
static void end_served(struct request *rq, void *data)
{
	struct served *served = data;
	struct dm_rq_barrier *b = served->b;
	struct dm_rq_target_io *tio = to_tio(rq);

	if (tio->ordered == ORDERED_OWED) {
		settle(b, tio);
		return;
	}

	/* Its data is written already, or it has none, or it will fail */
	if (!rq->bio || !blk_rq_sectors(rq) || served->error)
		return;

	expect_barrier_io(b, tio);
}

static void init_turn(struct ordered_turn *turn)
{
	INIT_LIST_HEAD(&turn->requeue);
	INIT_LIST_HEAD(&turn->start);
	turn->kick = false;
}

/* Have requests dispatched again that are not in line any more. */
static void requeue_turn(struct dm_rq_barrier *b, struct ordered_turn *turn)
{
	struct dm_rq_target_io *tio, *next;

	if (list_empty(&turn->requeue) && !turn->kick)
		return;

	list_for_each_entry_safe(tio, next, &turn->requeue, line) {
		list_del_init(&tio->line);
		return_request(to_rq(tio));
	}

	blk_mq_kick_requeue_list(b->md->queue);
}

/* Let writes join that the sequence would wait for in vain, see must_join(). */
static void join_held(struct dm_rq_barrier *b, struct blk_mq_hw_ctx *hctx)
{
	struct dm_rq_target_io *tio, *next;
	struct ordered_turn turn;
	unsigned long flags;

	init_turn(&turn);
	spin_lock_irqsave(&b->lock, flags);
	list_for_each_entry_safe(tio, next, &b->seq.fifo, line) {
		struct request *rq = to_rq(tio);

		if (is_flush(tio) || rq->mq_hctx != hctx || !must_join(b, rq))
			continue;

		leave_line(b, tio, ORDERED_EXPECTED, &turn.requeue, &turn);
		b->seq.held--;
		expect_barrier_io(b, tio);
	}
	spin_unlock_irqrestore(&b->lock, flags);

	requeue_turn(b, &turn);
}

static void end_flush(struct dm_rq_barrier *b, struct request *rq,
		      blk_status_t error)
{
	struct served served = { .b = b, .error = error };
	struct blk_mq_hw_ctx *hctx = rq->mq_hctx;
	struct dm_rq_ordered_hw *hw = to_hw(b, rq);
	unsigned long flags;
	bool join;

	spin_lock_irqsave(&b->lock, flags);
	if (rq->rq_flags & RQF_FLUSH_SEQ) {
		hw->flush = false;
		if (!error)
			settle_all(b, hw);
	}
	dm_rq_walk_served(rq, end_served, &served);
	set_state(to_tio(rq), ORDERED_NONE);
	spin_unlock_irqrestore(&b->lock, flags);

	blk_mq_end_request(rq, error);

	spin_lock_irqsave(&b->lock, flags);
	b->seq.flushes--;
	wake_finisher(b);
	join = b->seq.held && hw->due;
	spin_unlock_irqrestore(&b->lock, flags);

	if (join)
		join_held(b, hctx);
}

/**
 * __dm_rq_ordered_end_request - end a request that the sequencer knows
 * @md: the mapped device
 * @rq: the original request
 * @error: what to end it with
 *
 * Context: Any, including hard IRQ; flush requests in kdmflush only.
 */
void __dm_rq_ordered_end_request(struct mapped_device *md, struct request *rq,
				 blk_status_t error)
{
	struct dm_rq_barrier *b = md->rq_barrier;

	switch (to_tio(rq)->ordered) {
	case ORDERED_BARRIER:
		end_barrier_io(b, rq, error);
		return;
	case ORDERED_MEMBER:
		end_flush(b, rq, error);
		return;
	}

	WARN_ON_ONCE(1);
	blk_mq_end_request(rq, error);
}

/**
 * __dm_rq_ordered_forget - a write that was admitted ends without dm
 * @md: the mapped device
 * @rq: the write; the block layer ends it, or drops it
 *
 * Context: Any.
 */
void __dm_rq_ordered_forget(struct mapped_device *md, struct request *rq)
{
	struct dm_rq_barrier *b = md->rq_barrier;
	struct dm_rq_target_io *tio = to_tio(rq);
	unsigned int state = tio->ordered;
	unsigned long flags;

	if (state == ORDERED_COUNTED) {
		set_state(tio, ORDERED_NONE);
		dm_rq_ordered_uncount(b);
		return;
	}

	if (state != ORDERED_BARRIER)
		return;

	trace_dm_rq_barrier_io_end(ordered_devt(b), blk_rq_pos(rq), 0, -EIO,
				   false);

	spin_lock_irqsave(&b->lock, flags);
	set_state(tio, ORDERED_NONE);
	to_hw(b, rq)->due -= wants_post_flush(rq);
	spin_unlock_irqrestore(&b->lock, flags);

	drop_barrier_io(b);
}

/* --- the line moves ------------------------------------------------------ */

/* The writes in front have waited for the sequence that is over now: G2. */
static void let_writes_go(struct dm_rq_barrier *b, struct ordered_turn *turn)
{
	struct dm_rq_sequencer *s = &b->seq;
	struct dm_rq_target_io *tio, *next;
	unsigned int writes = 0;

	list_for_each_entry_safe(tio, next, &s->fifo, line) {
		if (is_flush(tio))
			break;
		leave_line(b, tio, ORDERED_COUNTED, &turn->requeue, turn);
		writes++;
	}

	if (!writes)
		return;

	s->held -= writes;
	this_cpu_add(*b->md->pending_io, writes);
	trace_dm_rq_barrier_release(ordered_devt(b), writes, s->held);
}

static void take_flush(struct dm_rq_barrier *b, struct dm_rq_target_io *tio,
		       struct ordered_turn *turn)
{
	leave_line(b, tio, ORDERED_MEMBER, &turn->start, turn);
	b->seq.held--;
	b->seq.flushes++;
}

/* R5: flush requests in front, without a write between, share a round. */
static void take_flushes(struct dm_rq_barrier *b, struct ordered_turn *turn)
{
	struct dm_rq_target_io *tio, *next;

	list_for_each_entry_safe(tio, next, &b->seq.fifo, line) {
		if (!is_flush(tio))
			break;
		take_flush(b, tio, turn);
	}
}

/* Is a flush request here from each hardware queue that is owed one? */
static bool post_flushes_arrived(struct dm_rq_barrier *b)
{
	struct dm_rq_sequencer *s = &b->seq;

	for (unsigned int i = 0; i < b->md->tag_set->nr_hw_queues; i++)
		if (s->hw[i].owed && !s->hw[i].flush)
			return false;

	return true;
}

/* G4: the post-flush round of all barrier I/Os of the sequence. */
static void take_post_flushes(struct dm_rq_barrier *b,
			      struct ordered_turn *turn)
{
	struct dm_rq_target_io *tio, *next;

	list_for_each_entry_safe(tio, next, &b->seq.fifo, line) {
		struct request *rq = to_rq(tio);

		if (is_flush(tio) && (rq->rq_flags & RQF_FLUSH_SEQ) &&
		    to_hw(b, rq)->owed)
			take_flush(b, tio, turn);
	}

	take_flushes(b, turn);
}

/* The mode is another one: nobody has to wait any more. */
static void let_all_go(struct dm_rq_barrier *b, struct ordered_turn *turn)
{
	struct dm_rq_sequencer *s = &b->seq;
	struct dm_rq_target_io *tio;

	while (!list_empty(&s->fifo)) {
		let_writes_go(b, turn);
		if (list_empty(&s->fifo))
			break;

		tio = list_first_entry(&s->fifo, struct dm_rq_target_io, line);
		if (to_rq(tio)->rq_flags & RQF_FLUSH_SEQ)
			to_hw(b, to_rq(tio))->flush = false;
		leave_line(b, tio, ORDERED_NONE, &turn->requeue, turn);
		s->held--;
	}
}

/* No member is left. */
static void next_sequence(struct dm_rq_barrier *b, struct ordered_turn *turn)
{
	struct dm_rq_sequencer *s = &b->seq;

	if (idle_gate(b) == GATE_OFF) {
		let_all_go(b, turn);
		open_gate(b, GATE_OFF);
		return;
	}

	let_writes_go(b, turn);
	if (list_empty(&s->fifo)) {
		open_gate(b, GATE_OPEN);
		return;
	}

	if (!drained(b)) {
		return_flushes(&s->fifo);
		return;
	}

	b->stats.sequences++;
	take_flushes(b, turn);
}

static void next_turn(struct dm_rq_barrier *b, struct ordered_turn *turn)
{
	struct dm_rq_sequencer *s = &b->seq;

	if (s->flushes || s->expected || s->barriers ||
	    !post_flushes_arrived(b)) {
		return_flushes(&s->fifo);
		return;
	}

	if (s->owed)
		take_post_flushes(b, turn);
	else
		next_sequence(b, turn);
}

/**
 * dm_rq_ordered_advance - do what can be done now
 * @b: the device's barriers
 *
 * Context: kdmflush.
 * Return: true if flush requests were started, which wait for a round.
 */
bool dm_rq_ordered_advance(struct dm_rq_barrier *b)
{
	struct dm_rq_target_io *tio, *next;
	struct ordered_turn turn;
	bool started;

	if (READ_ONCE(b->seq.gate) != GATE_CLOSED ||
	    test_bit(DMF_BLOCK_IO_FOR_SUSPEND, &b->md->flags))
		return false;

	if (uncounted_in_flight(b))
		return false;

	init_turn(&turn);
	spin_lock_irq(&b->lock);
	next_turn(b, &turn);
	spin_unlock_irq(&b->lock);

	requeue_turn(b, &turn);

	started = !list_empty(&turn.start);
	list_for_each_entry_safe(tio, next, &turn.start, line) {
		list_del_init(&tio->line);
		dm_start_unmapped_request(b->md, to_rq(tio));
		dm_rq_barrier_enqueue(tio);
	}
	return started;
}

/* Is there anything that the flush request is not a post-flush for? */
static void find_other(struct request *rq, void *data)
{
	bool *found = data;

	if (to_tio(rq)->ordered != ORDERED_OWED)
		*found = true;
}

/* Is a request in line that came before?  Only kdmflush takes any out. */
static bool held_before(struct dm_rq_barrier *b, struct dm_rq_target_io *tio)
{
	struct dm_rq_target_io *first;
	bool before;

	spin_lock_irq(&b->lock);
	first = list_first_entry_or_null(&b->seq.fifo, struct dm_rq_target_io,
					 line);
	before = first && first->arrival < tio->arrival;
	spin_unlock_irq(&b->lock);

	return before;
}

/**
 * dm_rq_ordered_again - does a flush request need a second round?
 * @b: the device's barriers
 * @rq: a flush request whose round was successful
 *
 * G4: the round was the post-flush that barrier I/Os wait for.  If that is not
 * all that @rq is there for, and writes are held that came before it, it is in
 * line for a round that covers them.
 *
 * Context: kdmflush.
 * Return: true if the request has to be requeued instead of being ended.
 */
bool dm_rq_ordered_again(struct dm_rq_barrier *b, struct request *rq)
{
	struct dm_rq_target_io *tio = to_tio(rq);
	bool other = false;

	if (tio->ordered != ORDERED_MEMBER || !held_before(b, tio))
		return false;

	spin_lock_irq(&b->lock);
	dm_rq_walk_served(rq, find_other, &other);
	if (other) {
		settle_all(b, to_hw(b, rq));
		set_state(tio, ORDERED_RETURNED);
		rejoin_line(b, tio);
		b->seq.flushes--;
		b->stats.extra_rounds++;
		wake_finisher(b);
	}
	spin_unlock_irq(&b->lock);

	return other;
}

/* --- suspend, mode, set-up ----------------------------------------------- */

static bool barrier_io_issued(struct dm_rq_barrier *b)
{
	bool issued;

	spin_lock_irq(&b->lock);
	b->seq.finishing = true;
	issued = b->seq.barriers || b->seq.owed;
	spin_unlock_irq(&b->lock);

	return issued;
}

static void stop_finishing(struct dm_rq_barrier *b)
{
	spin_lock_irq(&b->lock);
	b->seq.finishing = false;
	spin_unlock_irq(&b->lock);
}

/**
 * dm_rq_ordered_finish - let barrier I/O that was issued have its post-flush
 * @md: a device that is about to be suspended, but not with noflush
 * @task_state: how to wait
 *
 * Until dm_rq_ordered_resume() no barrier I/O is issued unless its sequence has
 * issued some already.  The targets do not queue for want of a path any more, so
 * this ends.
 *
 * Context: May sleep; md->suspend_lock is held, the queue is running.
 * Return: 0, or -ERESTARTSYS if a signal came first.
 */
int dm_rq_ordered_finish(struct mapped_device *md, unsigned int task_state)
{
	struct dm_rq_barrier *b = md->rq_barrier;
	DEFINE_WAIT(wait);
	int r = 0;

	lockdep_assert_held(&md->suspend_lock);

	if (!b)
		return 0;

	while (true) {
		prepare_to_wait(&md->wait, &wait, task_state);
		if (!barrier_io_issued(b))
			break;
		if (signal_pending_state(task_state, current)) {
			r = -ERESTARTSYS;
			break;
		}
		io_schedule();
	}
	finish_wait(&md->wait, &wait);

	if (r)
		stop_finishing(b);
	return r;
}

/**
 * dm_rq_ordered_resume - get the line moving again
 * @md: a device that accepts I/O again
 *
 * Context: May sleep.
 */
void dm_rq_ordered_resume(struct mapped_device *md)
{
	struct dm_rq_barrier *b = md->rq_barrier;

	if (!b)
		return;

	stop_finishing(b);
	dm_rq_barrier_kick(b);
}

/**
 * dm_rq_ordered_switch - the mode was switched
 * @b: the device's barriers, with the new mode
 *
 * Context: May sleep; md->suspend_lock is held.  Waits for dispatches in
 * progress if the gate is put in use.
 */
void dm_rq_ordered_switch(struct dm_rq_barrier *b)
{
	struct request_queue *q = b->md->queue;
	enum dm_rq_gate gate = idle_gate(b);

	lockdep_assert_held(&b->md->suspend_lock);

	/*
	 * While nothing is dispatched, who found the gate off is started, or
	 * has ended, or will come again.  So the tags show all writes that are
	 * not counted, before the first flush request can come.
	 */
	if (gate == GATE_OPEN)
		blk_mq_quiesce_queue(q);

	spin_lock_irq(&b->lock);
	if (gate == GATE_OPEN)
		WRITE_ONCE(b->seq.uncounted, ++b->seq.switches);
	if (b->seq.gate != GATE_CLOSED)
		WRITE_ONCE(b->seq.gate, gate);
	dm_rq_barrier_kick(b);
	spin_unlock_irq(&b->lock);

	if (gate == GATE_OPEN)
		blk_mq_unquiesce_queue(q);
}

/**
 * dm_rq_ordered_init - set up the sequencer of a new device
 * @b: the device's barriers; md and mode are set
 *
 * Context: May sleep.
 * Return: 0 or -ENOMEM.
 */
int dm_rq_ordered_init(struct dm_rq_barrier *b)
{
	unsigned int nr_hw = b->md->tag_set->nr_hw_queues;
	struct dm_rq_sequencer *s = &b->seq;

	INIT_LIST_HEAD(&s->fifo);
	s->gate = idle_gate(b);
	s->hw = kcalloc(nr_hw, sizeof(*s->hw), GFP_KERNEL);
	if (!s->hw)
		return -ENOMEM;

	for (unsigned int i = 0; i < nr_hw; i++)
		INIT_LIST_HEAD(&s->hw[i].owing);
	return 0;
}

/**
 * dm_rq_ordered_exit - undo dm_rq_ordered_init()
 * @b: the device's barriers
 *
 * Context: May sleep.
 */
void dm_rq_ordered_exit(struct dm_rq_barrier *b)
{
	kfree(b->seq.hw);
}
