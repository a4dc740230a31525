/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Barriers for request-based device-mapper: what dm core calls.
 *
 * dm.c, dm-rq.c, dm-table.c and dm-sysfs.c know barriers by this header only.
 * Without CONFIG_DM_RQ_BARRIER everything here is an empty inline.
 *
 * This file is released under the GPL.
 */

#ifndef DM_RQ_BARRIER_H
#define DM_RQ_BARRIER_H

#include "dm-core.h"

#include <linux/blk-mq.h>

#ifdef CONFIG_DM_RQ_BARRIER

#include <linux/completion.h>
#include <linux/mempool.h>

/* Of barriers, as modinfo and the kernel log say it */
#define DM_RQ_BARRIER_VERSION "0.4"

/**
 * enum dm_rq_ordered - ordered mode of a request-based mapped device
 * @QUEUE_ORDERED_NONE: as without CONFIG_DM_RQ_BARRIER
 * @QUEUE_ORDERED_FLUSH: flush requests are carried out by rounds
 * @QUEUE_ORDERED_DRAIN_FLUSH: rounds, and nothing else is written meanwhile
 * @NR_QUEUE_ORDERED: number of modes
 *
 * The values index the words of rq_ordered, see dm-rq-mode.c, and rise with
 * what a mode promises.
 */
enum dm_rq_ordered {
	QUEUE_ORDERED_NONE,
	QUEUE_ORDERED_FLUSH,
	QUEUE_ORDERED_DRAIN_FLUSH,
	NR_QUEUE_ORDERED,
};

/**
 * enum dm_rq_gate - what becomes of an ordinary write
 * @GATE_OFF: it is mapped; the device does without the sequencer
 * @GATE_OPEN: it is counted and mapped
 * @GATE_CLOSED: it is held, a sequence is running
 */
enum dm_rq_gate {
	GATE_OFF,
	GATE_OPEN,
	GATE_CLOSED,
};

/* dm_rq_target_io.ordered, see dm-rq-ordered.c */
enum {
	ORDERED_NONE,
	ORDERED_COUNTED,
	ORDERED_HELD,
	ORDERED_RETURNED,
	ORDERED_MEMBER,
	ORDERED_EXPECTED,
	ORDERED_BARRIER,
	ORDERED_OWED,
};

/**
 * struct dm_rq_barrier_error - what came of a flush clone, or of a whole round
 * @status: the error, %BLK_STS_OK for success; meaningless if @requeue
 * @requeue: the flush has to be tried again
 * @delay_ms: if @requeue: how long to wait before that, in milliseconds
 */
struct dm_rq_barrier_error {
	blk_status_t status;
	bool requeue;
	unsigned int delay_ms;
};

/**
 * struct dm_rq_barrier_stats - the numbers shown in rq_barrier_stats
 * @rounds: rounds executed
 * @requests: requests those rounds were executed for
 * @clones: flush clones that targets were asked to map
 * @commands: of @clones: sent to a path
 * @no_cache: of @clones: not sent because no path had a volatile cache
 * @requeues: requests given back to the block layer to be tried again
 * @errors: requests completed with an error
 * @rejected: flush commands a path rejected as illegal or unsupported
 * @fua_writes: FUA writes written without FUA and followed by a round
 * @round_ns: time spent in rounds, in nanoseconds
 * @sequences: ordered sequences begun
 * @extra_rounds: flush requests that got a second round, for writes held between
 * @held_max: most requests that were held at a time
 * @drained: ordinary writes that flush requests had to wait for
 * @drain_ns: time spent waiting for them, in nanoseconds
 * @hold_ns: time the gate was closed, in nanoseconds
 *
 * Protected by &dm_rq_barrier.lock.
 */
struct dm_rq_barrier_stats {
	u64 rounds;
	u64 requests;
	u64 clones;
	u64 commands;
	u64 no_cache;
	u64 requeues;
	u64 errors;
	u64 rejected;
	u64 fua_writes;
	u64 round_ns;
	u64 sequences;
	u64 extra_rounds;
	u64 held_max;
	u64 drained;
	u64 drain_ns;
	u64 hold_ns;
};

/**
 * struct dm_rq_ordered_hw - what the sequencer knows of a hardware queue
 * @due: barrier I/Os, from the end of their pre-flush on, that a post-flush has
 *       to follow
 * @owed: of those: the ones whose data is written
 * @owing: list of the latter
 * @flush: blk-flush's flush request for this hardware queue is here
 *
 * Protected by &dm_rq_barrier.lock.
 */
struct dm_rq_ordered_hw {
	unsigned int due;
	unsigned int owed;
	struct list_head owing;
	bool flush;
};

/**
 * struct dm_rq_sequencer - state of the ordered sequencer, see dm-rq-ordered.c
 * @gate: written under &dm_rq_barrier.lock, read locklessly
 * @draining: a flush request waits for writes to end; accessed like @gate
 * @finishing: no barrier I/O is issued unless some is on its way already
 * @uncounted: if not zero: writes may be in flight that were not counted
 * @switches: number of times @uncounted was set
 * @fifo: requests that are held, in the order in which they reached dm
 * @arrivals: number of requests ever held
 * @held: length of @fifo
 * @flushes: members: flush requests that had their turn and have not ended
 * @expected: members: barrier I/Os on their way to dm after their pre-flush
 * @barriers: members: barrier I/Os that were issued and have not ended
 * @owed: members: barrier I/Os that wait for a post-flush
 * @closed_ns: when the gate was closed
 * @drain_start_ns: when the drain began
 * @hw: per hardware queue
 *
 * Protected by &dm_rq_barrier.lock where nothing else is said.
 */
struct dm_rq_sequencer {
	enum dm_rq_gate gate;
	bool draining;
	bool finishing;
	unsigned int uncounted;
	unsigned int switches;
	struct list_head fifo;
	u64 arrivals;
	unsigned int held;
	unsigned int flushes;
	unsigned int expected;
	unsigned int barriers;
	unsigned int owed;
	u64 closed_ns;
	u64 drain_start_ns;
	struct dm_rq_ordered_hw *hw;
};

/**
 * struct dm_rq_barrier - barrier state of one request-based mapped device
 * @md: the device
 * @mode: ordered mode; written under md->suspend_lock, read locklessly
 * @lock: protects @pending, @error, @stats and @seq; taken from hard IRQ
 * @pending: requests that wait for the next round, linked by queuelist
 * @work: dm_rq_barrier_work(), runs on md->wq (kdmflush)
 * @clones: pool of struct dm_rq_target_io, with the target's per-io data
 * @flush_rq: what targets are shown as the original of a round's clones
 * @in_flight: the round's clones that have not ended, plus one while mapping
 * @round_clones: clones that the round made so far
 * @done: completed when a clone drops @in_flight to zero
 * @error: what the round's clones reported so far
 * @stats: counters since the device was created
 * @seq: the ordered sequencer
 *
 * kdmflush runs @work once at a time, so there is one round at a time and
 * @flush_rq, @in_flight, @round_clones, @done and @error belong to it.
 */
struct dm_rq_barrier {
	struct mapped_device *md;
	enum dm_rq_ordered mode;
	spinlock_t lock;	/* protects pending, error, stats and seq */
	struct list_head pending;
	struct work_struct work;
	mempool_t clones;
	struct request flush_rq;
	atomic_t in_flight;
	unsigned int round_clones;
	struct completion done;
	struct dm_rq_barrier_error error;
	struct dm_rq_barrier_stats stats;
	struct dm_rq_sequencer seq;
};

/* dm-rq-barrier.c */
int dm_rq_barrier_init(struct mapped_device *md);
void dm_rq_barrier_cancel(struct mapped_device *md);
void dm_rq_barrier_exit(struct mapped_device *md);
void dm_rq_barrier_add(struct dm_rq_target_io *tio);
void dm_rq_barrier_enqueue(struct dm_rq_target_io *tio);
void dm_rq_barrier_kick(struct dm_rq_barrier *b);
void dm_rq_barrier_record(struct dm_rq_barrier_error *round,
			  const struct dm_rq_barrier_error *clone);
void dm_rq_barrier_end_clone(struct request *clone, int verdict,
			     blk_status_t status);
void dm_rq_barrier_count_fua(struct mapped_device *md);
ssize_t dm_attr_rq_barrier_stats_show(struct mapped_device *md, char *buf);

/* dm-rq-ordered.c */
int dm_rq_ordered_init(struct dm_rq_barrier *b);
void dm_rq_ordered_exit(struct dm_rq_barrier *b);
void dm_rq_ordered_switch(struct dm_rq_barrier *b);
bool dm_rq_ordered_advance(struct dm_rq_barrier *b);
bool dm_rq_ordered_again(struct dm_rq_barrier *b, struct request *rq);
bool __dm_rq_ordered_admit(struct mapped_device *md, struct request *rq,
			   blk_status_t *status);
void __dm_rq_ordered_drained(struct dm_rq_barrier *b);
void __dm_rq_ordered_end_request(struct mapped_device *md, struct request *rq,
				 blk_status_t error);
void __dm_rq_ordered_forget(struct mapped_device *md, struct request *rq);
int dm_rq_ordered_finish(struct mapped_device *md, unsigned int task_state);
void dm_rq_ordered_resume(struct mapped_device *md);

/* dm-rq-served.c */
typedef void (*dm_rq_served_fn)(struct request *rq, void *data);
void dm_rq_walk_served(struct request *flush, dm_rq_served_fn fn, void *data);

/* dm-rq-mode.c */
enum dm_rq_ordered dm_rq_ordered_default(void);
void dm_rq_ordered_set_default(enum dm_rq_ordered mode);
ssize_t dm_attr_rq_ordered_show(struct mapped_device *md, char *buf);
ssize_t dm_attr_rq_ordered_store(struct mapped_device *md, const char *buf,
				 size_t count);

/* dm-rq-features.c */
void dm_rq_features_init_tag_set(struct mapped_device *md);
int dm_rq_features_check_table(struct dm_table *t);
int dm_rq_features_adjust(struct dm_table *t, blk_features_t *features);
int dm_rq_features_of_mode(struct mapped_device *md, struct dm_table *t,
			   enum dm_rq_ordered mode, blk_features_t *features);

/* dm-rq-fua.c */
void __dm_rq_fua_prep_clone(struct dm_rq_target_io *tio);

/**
 * dm_rq_barrier_enabled - does a device take part in barriers?
 * @md: the device
 *
 * Context: Any.  The answer may be out of date at once; whoever acts on it
 * decides for one request.
 * Return: false for bio-based devices and in mode none.
 */
static inline bool dm_rq_barrier_enabled(struct mapped_device *md)
{
	struct dm_rq_barrier *b = md->rq_barrier;

	return b && READ_ONCE(b->mode) != QUEUE_ORDERED_NONE;
}

/**
 * dm_rq_ordered_uncount - a write that was counted has ended
 * @b: barrier state of the device
 *
 * Context: Any.
 */
static inline void dm_rq_ordered_uncount(struct dm_rq_barrier *b)
{
	this_cpu_dec(*b->md->pending_io);
	smp_mb(); /* B, with drained() */
	if (unlikely(READ_ONCE(b->seq.draining)))
		__dm_rq_ordered_drained(b);
}

/**
 * dm_rq_ordered_count - count an ordinary write if the gate is open
 * @b: barrier state of the device
 *
 * Context: dm's queue_rq().
 * Return: false if the gate is not open.
 */
static inline bool dm_rq_ordered_count(struct dm_rq_barrier *b)
{
	bool open;

	/* Whoever takes itself out again does so on the same CPU. */
	preempt_disable();
	this_cpu_inc(*b->md->pending_io);
	smp_mb(); /* A, with drained() */
	open = READ_ONCE(b->seq.gate) == GATE_OPEN;
	if (unlikely(!open))
		dm_rq_ordered_uncount(b);
	preempt_enable();

	return open;
}

/**
 * dm_rq_ordered_admit - may a request be mapped now?
 * @md: the mapped device
 * @rq: a request that reached dm's queue_rq()
 * @status: if not: what queue_rq() has to return
 *
 * Ordinary writes that find the gate off or open are done with here.
 *
 * Context: dm's queue_rq().
 * Return: true if @rq has to be mapped.  False if somebody else looks after it
 * from now on, or if it cannot be taken now.
 */
static inline bool dm_rq_ordered_admit(struct mapped_device *md,
				       struct request *rq,
				       blk_status_t *status)
{
	struct dm_rq_target_io *tio = blk_mq_rq_to_pdu(rq);
	struct dm_rq_barrier *b = md->rq_barrier;

	if (req_op(rq) == REQ_OP_READ)
		return true;

	if (likely(op_is_write(req_op(rq)))) {
		if (READ_ONCE(b->seq.gate) == GATE_OFF)
			return true;

		if (likely(!READ_ONCE(tio->ordered)) &&
		    dm_rq_ordered_count(b)) {
			WRITE_ONCE(tio->ordered, ORDERED_COUNTED);
			return true;
		}
	}

	return __dm_rq_ordered_admit(md, rq, status);
}

/**
 * dm_rq_ordered_end_request - end a request, and tell the sequencer
 * @md: the mapped device
 * @rq: the original request
 * @error: what to end it with
 *
 * Context: Any.  The caller holds the reference that dm_start_request() took.
 */
static inline void dm_rq_ordered_end_request(struct mapped_device *md,
					     struct request *rq,
					     blk_status_t error)
{
	struct dm_rq_target_io *tio = blk_mq_rq_to_pdu(rq);
	unsigned int state = tio->ordered;

	if (likely(state == ORDERED_NONE)) {
		blk_mq_end_request(rq, error);
		return;
	}

	if (unlikely(state != ORDERED_COUNTED)) {
		__dm_rq_ordered_end_request(md, rq, error);
		return;
	}

	WRITE_ONCE(tio->ordered, ORDERED_NONE);
	blk_mq_end_request(rq, error);
	/* After that @rq may be another one, and the write has ended */
	dm_rq_ordered_uncount(md->rq_barrier);
}

/**
 * dm_rq_ordered_forget - a request that was admitted ends without dm
 * @md: the mapped device
 * @rq: the request; the block layer ends it, or drops it
 *
 * Context: Any.
 */
static inline void dm_rq_ordered_forget(struct mapped_device *md,
					struct request *rq)
{
	struct dm_rq_target_io *tio = blk_mq_rq_to_pdu(rq);

	if (tio->ordered)
		__dm_rq_ordered_forget(md, rq);
}

/**
 * dm_rq_ordered_requeue - prepare a request that dm requeues
 * @rq: the request
 *
 * A request that the sequencer counts on must come back as what it is: not
 * merged with another one, and not behind an elevator again.  Those that came
 * before it stay before it.
 *
 * Context: Any.
 */
static inline void dm_rq_ordered_requeue(struct request *rq)
{
	struct dm_rq_target_io *tio = blk_mq_rq_to_pdu(rq);

	if (tio->ordered)
		rq->rq_flags |= RQF_DONTPREP;
}

/**
 * dm_rq_is_flush_clone - does a target io belong to a round's flush clone?
 * @tio: the target io
 *
 * A round's clones serve all the requests of the round and so have no original.
 *
 * Context: Any.
 * Return: true for a flush clone of a round.
 */
static inline bool dm_rq_is_flush_clone(struct dm_rq_target_io *tio)
{
	return unlikely(!tio->orig);
}

/**
 * dm_rq_fua_prep_clone - look after a FUA write that is about to be issued
 * @tio: its target io; the clone is set up but not issued
 *
 * Context: dm's queue_rq().
 */
static inline void dm_rq_fua_prep_clone(struct dm_rq_target_io *tio)
{
	if (unlikely(tio->clone->cmd_flags & REQ_FUA))
		__dm_rq_fua_prep_clone(tio);
}

#else /* CONFIG_DM_RQ_BARRIER */

static inline int dm_rq_barrier_init(struct mapped_device *md)
{
	return 0;
}

static inline void dm_rq_barrier_cancel(struct mapped_device *md)
{
}

static inline void dm_rq_barrier_exit(struct mapped_device *md)
{
}

static inline void dm_rq_barrier_end_clone(struct request *clone, int verdict,
					   blk_status_t status)
{
}

static inline bool dm_rq_ordered_admit(struct mapped_device *md,
				       struct request *rq,
				       blk_status_t *status)
{
	return true;
}

static inline void dm_rq_ordered_end_request(struct mapped_device *md,
					     struct request *rq,
					     blk_status_t error)
{
	blk_mq_end_request(rq, error);
}

static inline void dm_rq_ordered_forget(struct mapped_device *md,
					struct request *rq)
{
}

static inline void dm_rq_ordered_requeue(struct request *rq)
{
}

static inline int dm_rq_ordered_finish(struct mapped_device *md,
				       unsigned int task_state)
{
	return 0;
}

static inline void dm_rq_ordered_resume(struct mapped_device *md)
{
}

static inline bool dm_rq_is_flush_clone(struct dm_rq_target_io *tio)
{
	return false;
}

static inline void dm_rq_fua_prep_clone(struct dm_rq_target_io *tio)
{
}

static inline void dm_rq_features_init_tag_set(struct mapped_device *md)
{
}

static inline int dm_rq_features_check_table(struct dm_table *t)
{
	return 0;
}

static inline int dm_rq_features_adjust(struct dm_table *t,
					blk_features_t *features)
{
	return 0;
}

#endif /* CONFIG_DM_RQ_BARRIER */

#endif /* DM_RQ_BARRIER_H */
