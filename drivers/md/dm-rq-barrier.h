/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Barriers for request-based device-mapper: what dm core calls.
 *
 * dm-rq.c, dm-table.c, dm-stats.c and dm-sysfs.c know the series by this header
 * only.  Without CONFIG_DM_RQ_BARRIER everything here is an empty inline, so
 * that the callers compile to what they were before.
 *
 * This file is released under the GPL.
 */

#ifndef DM_RQ_BARRIER_H
#define DM_RQ_BARRIER_H

#include "dm-core.h"

#ifdef CONFIG_DM_RQ_BARRIER

#include <linux/completion.h>
#include <linux/mempool.h>

/**
 * enum dm_rq_ordered - ordered mode of a request-based mapped device
 * @QUEUE_ORDERED_NONE: the stock path, nothing of the series runs
 * @QUEUE_ORDERED_FLUSH: flush requests are carried out by rounds
 * @NR_QUEUE_ORDERED: number of modes
 *
 * The values index the words of rq_ordered, see dm-rq-ordered.c.
 * %QUEUE_ORDERED_DRAIN_FLUSH, the mode of the ordered sequencer, goes in front
 * of %NR_QUEUE_ORDERED.
 */
enum dm_rq_ordered {
	QUEUE_ORDERED_NONE,
	QUEUE_ORDERED_FLUSH,
	NR_QUEUE_ORDERED,
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
};

/**
 * struct dm_rq_barrier - barrier state of one request-based mapped device
 * @md: the device
 * @mode: ordered mode; written under md->suspend_lock, read locklessly
 * @lock: protects @pending, @error and @stats; taken from hard IRQ
 * @pending: requests that wait for the next round, linked by queuelist
 * @work: dm_rq_barrier_work(), runs on md->wq (kdmflush)
 * @clones: pool of struct dm_rq_flush_clone
 * @flush_rq: what targets are shown as the original of a round's clones
 * @in_flight: the round's clones that have not ended, plus one while mapping
 * @round_clones: clones that the round made so far
 * @done: completed when @in_flight drops to zero
 * @error: what the round's clones reported so far
 * @stats: counters since the device was created
 *
 * kdmflush runs @work once at a time, so there is one round at a time and
 * @flush_rq, @in_flight, @round_clones, @done and @error belong to it.
 */
struct dm_rq_barrier {
	struct mapped_device *md;
	enum dm_rq_ordered mode;
	spinlock_t lock;	/* protects pending, error and stats */
	struct list_head pending;
	struct work_struct work;
	mempool_t clones;
	struct request flush_rq;
	atomic_t in_flight;
	unsigned int round_clones;
	struct completion done;
	struct dm_rq_barrier_error error;
	struct dm_rq_barrier_stats stats;
};

/* dm-rq-barrier.c */
int dm_rq_barrier_init(struct mapped_device *md);
void dm_rq_barrier_exit(struct mapped_device *md);
void dm_rq_barrier_add(struct dm_rq_target_io *tio);
void dm_rq_barrier_record(struct dm_rq_barrier_error *round,
			  const struct dm_rq_barrier_error *clone);
void dm_rq_barrier_end_clone(struct request *clone, int verdict,
			     blk_status_t status);
void dm_rq_barrier_count_fua(struct mapped_device *md);
ssize_t dm_attr_rq_barrier_stats_show(struct mapped_device *md, char *buf);

/* dm-rq-ordered.c */
enum dm_rq_ordered dm_rq_ordered_default(void);
ssize_t dm_attr_rq_ordered_show(struct mapped_device *md, char *buf);
ssize_t dm_attr_rq_ordered_store(struct mapped_device *md, const char *buf,
				 size_t count);

/* dm-rq-features.c */
bool dm_rq_features_volatile_cache(struct dm_target *ti,
				   struct request_queue *q);
void dm_rq_features_init_tag_set(struct blk_mq_tag_set *set,
				 struct dm_table *t);
int dm_rq_features_check_table(struct dm_table *t);
int dm_rq_features_adjust(struct dm_table *t, struct queue_limits *limits);
int dm_rq_features_set_mode(struct mapped_device *md, struct dm_table *t,
			    enum dm_rq_ordered mode);

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
 * dm_rq_barrier_takes - is a request one that a round has to carry out?
 * @md: the mapped device
 * @rq: a request that reached dm's queue_rq()
 *
 * Context: Any.
 * Return: true if @rq must be given to dm_rq_barrier_add() instead of being
 * mapped.
 */
static inline bool dm_rq_barrier_takes(struct mapped_device *md,
				       struct request *rq)
{
	return unlikely(req_op(rq) == REQ_OP_FLUSH) &&
	       dm_rq_barrier_enabled(md);
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

static inline void dm_rq_barrier_exit(struct mapped_device *md)
{
}

static inline void dm_rq_barrier_add(struct dm_rq_target_io *tio)
{
}

static inline void dm_rq_barrier_end_clone(struct request *clone, int verdict,
					   blk_status_t status)
{
}

static inline bool dm_rq_barrier_takes(struct mapped_device *md,
				       struct request *rq)
{
	return false;
}

static inline bool dm_rq_is_flush_clone(struct dm_rq_target_io *tio)
{
	return false;
}

static inline void dm_rq_fua_prep_clone(struct dm_rq_target_io *tio)
{
}

static inline void dm_rq_features_init_tag_set(struct blk_mq_tag_set *set,
					       struct dm_table *t)
{
}

static inline int dm_rq_features_check_table(struct dm_table *t)
{
	return 0;
}

static inline int dm_rq_features_adjust(struct dm_table *t,
					struct queue_limits *limits)
{
	return 0;
}

#endif /* CONFIG_DM_RQ_BARRIER */

#endif /* DM_RQ_BARRIER_H */
