/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Barriers for request-based device-mapper are written for the newest kernel
 * that they support, which does not have this file.  It makes older ones look
 * like that.  They include it from dm-core.h.
 */

#ifndef DM_RQ_COMPAT_H
#define DM_RQ_COMPAT_H

#include <linux/blk-mq.h>
#include <linux/version.h>
#include <linux/workqueue.h>

/*
 * An end_io does not hear which batch a request is completed in before 7.0.
 * Definitions and calls go through these, pointers do not.
 */
#define flush_clone_end_io(rq, status, iob)	flush_clone_end_io(rq, status)
#define fua_end_io(rq, status, iob)		fua_end_io(rq, status)
#define rq_ended(rq, status, iob)		rq_ended(rq, status)

/* The same for the tests: types and arguments of callbacks have changed. */
#define fake_init_request(set, rq, hctx_idx, numa_node)			\
	fake_init_request(set, rq, hctx_idx, unsigned numa_node)
#define case_gen_params(test, prev, desc)	case_gen_params(prev, desc)

/*
 * op_stat_group() takes a flush for a read, and is not changed here.  So each flush
 * clone is counted by who sends it.
 */
#define blk_insert_cloned_request(rq)					\
({									\
	dm_rq_count_flush_clone(rq);					\
	blk_insert_cloned_request(rq);					\
})

/* A timer gets its function after it was initialized. */
#define hrtimer_setup(timer, callback, clock, mode)			\
do {									\
	hrtimer_init(timer, clock, mode);				\
	(timer)->function = callback;					\
} while (0)

/* Workqueues are per CPU unless they say otherwise; only some releases know it. */
#define WQ_PERCPU				0

#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE

/*
 * What a queue advertises are flags of the queue, not a part of its limits.
 * Here are as many limits as are changed.
 */
typedef unsigned int __bitwise blk_features_t;
typedef unsigned int __bitwise blk_flags_t;

#define BLK_FEAT_WRITE_CACHE		((__force blk_features_t)(1u << 0))
#define BLK_FEAT_FUA			((__force blk_features_t)(1u << 1))
#define BLK_FLAG_WRITE_CACHE_DISABLED	((__force blk_flags_t)(1u << 0))

struct dm_rq_limits {
	blk_features_t features;
	blk_flags_t flags;
	unsigned int max_write_zeroes_sectors;
};

static inline struct dm_rq_limits
queue_limits_start_update(struct request_queue *q)
{
	struct dm_rq_limits limits = {
		.max_write_zeroes_sectors = q->limits.max_write_zeroes_sectors,
	};

	if (test_bit(QUEUE_FLAG_HW_WC, &q->queue_flags)) {
		limits.features |= BLK_FEAT_WRITE_CACHE;
		if (!test_bit(QUEUE_FLAG_WC, &q->queue_flags))
			limits.flags |= BLK_FLAG_WRITE_CACHE_DISABLED;
	}
	if (test_bit(QUEUE_FLAG_FUA, &q->queue_flags))
		limits.features |= BLK_FEAT_FUA;
	return limits;
}

static inline void queue_limits_cancel_update(struct request_queue *q)
{
}

static inline int queue_limits_commit_update(struct request_queue *q,
					     struct dm_rq_limits *limits)
{
	blk_queue_max_write_zeroes_sectors(q, limits->max_write_zeroes_sectors);
	blk_queue_write_cache(q, limits->features & BLK_FEAT_WRITE_CACHE,
			      limits->features & BLK_FEAT_FUA);
	if (limits->flags & BLK_FLAG_WRITE_CACHE_DISABLED)
		blk_queue_flag_clear(QUEUE_FLAG_WC, q);
	return 0;
}

/*
 * Where drivers may sleep, dispatches are protected by SRCU.  The queue has to be
 * allocated for it, and device-mapper allocates it before it sees any table.  So
 * no queue is made for such paths, and none can be refused.
 */
struct dm_table;

static inline bool dm_table_may_block(struct dm_table *t)
{
	return false;
}

#ifdef CONFIG_DM_RQ_BARRIER

/*
 * What is requeued goes to the head of the requeue list, which turns requests round
 * that are dispatched as the list has them.  Those get the place there that they
 * have in line, unless the list was taken meanwhile.
 *
 * What an elevator has not seen when it was allocated, because it is a flush or has
 * FUA, would be given to it now, and be counted as inserted but not as completed.
 * It has to pass by, which those of blk-flush do.
 */
static inline u64 dm_rq_arrival(struct request *rq, size_t arrival)
{
	return *(u64 *)(blk_mq_rq_to_pdu(rq) + arrival);
}

static inline bool dm_rq_is_requeued(struct request_queue *q,
				     struct request *rq)
{
	struct request *pos;

	list_for_each_entry(pos, &q->requeue_list, queuelist)
		if (pos == rq)
			return true;

	return false;
}

static inline void dm_rq_requeue_in_line(struct request *rq, size_t arrival)
{
	struct request_queue *q = rq->q;
	struct list_head *place = &q->requeue_list;
	struct request *pos;

	list_del(&rq->queuelist);
	list_for_each_entry_reverse(pos, &q->requeue_list, queuelist) {
		if ((pos->rq_flags & RQF_DONTPREP) &&
		    dm_rq_arrival(pos, arrival) <= dm_rq_arrival(rq, arrival)) {
			place = &pos->queuelist;
			break;
		}
	}
	list_add(&rq->queuelist, place);
}

static inline void dm_rq_requeue_request(struct request *rq, bool kick,
					 size_t arrival)
{
	struct request_queue *q = rq->q;
	unsigned long flags;
	bool in_line;

	if (q->elevator && !(rq->rq_flags & (RQF_ELVPRIV | RQF_FLUSH_SEQ)))
		rq->rq_flags |= RQF_DONTPREP;
	in_line = rq->rq_flags & RQF_DONTPREP;

	blk_mq_requeue_request(rq, false);

	spin_lock_irqsave(&q->requeue_lock, flags);
	/* If not, it is in other hands */
	if (in_line && dm_rq_is_requeued(q, rq))
		dm_rq_requeue_in_line(rq, arrival);
	spin_unlock_irqrestore(&q->requeue_lock, flags);

	if (kick)
		blk_mq_kick_requeue_list(q);
}

#define blk_mq_requeue_request(rq, kick)				\
	dm_rq_requeue_request(rq, kick,					\
			      offsetof(struct dm_rq_target_io, arrival))

#endif

/* What a class interface is told of a device, see above. */
#define add_device(dev)		add_device(dev, struct class_interface *unused)
#define remove_device(dev)	remove_device(dev, struct class_interface *unused)

/* The tests' disks are made with default limits. */
static inline struct gendisk *dm_rq_alloc_disk(struct blk_mq_tag_set *set,
					       void *data)
{
	return blk_mq_alloc_disk(set, data);
}

#undef blk_mq_alloc_disk
#define blk_mq_alloc_disk(set, limits, data)	dm_rq_alloc_disk(set, data)

#define BLK_OPEN_READ				FMODE_READ
#define BLK_OPEN_WRITE				FMODE_WRITE
#define queue_kobj				queue->kobj

#define KUNIT_CASE_SLOW(test)			KUNIT_CASE(test)

#define kunit_kstrdup(test, str, gfp)					\
({									\
	const char *from = (str);					\
	size_t size = strlen(from) + 1;					\
	char *copy = kunit_kmalloc(test, size, gfp);			\
									\
	copy ? memcpy(copy, from, size) : NULL;				\
})

#define KUNIT_ARRAY_PARAM_DESC(name, array, desc_member)		\
static void name##_describe(typeof(&(array)[0]) param, char *desc)	\
{									\
	strscpy(desc, param->desc_member, KUNIT_PARAM_DESC_SIZE);	\
}									\
KUNIT_ARRAY_PARAM(name, array, name##_describe)

#endif /* before 6.2 */

#endif
