// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the paths of a request-based device can do, and what the device says.
 *
 * dm stacks the features of the paths when a table is loaded: the device has a
 * volatile cache if any path has one and FUA if any path has it, and keeps that
 * until the next table.  Neither is safe.  A path may get a volatile cache
 * later, and then the block layer strips the flushes that its data needs.  And
 * a FUA write may be mapped to the one path that does not know FUA.
 *
 * With barriers the device says what it can promise whatever its paths become:
 * - It always advertises a volatile write cache, so that every flush reaches
 *   dm.  Whether a command has to be sent is decided when the flush is mapped.
 * - It advertises FUA only if every path has it, and never in mode drain_flush:
 *   the post-flush that the block layer issues instead is part of the ordered
 *   sequence.  A path that loses FUA later is dealt with in dm-rq-fua.c.
 *
 * In mode drain_flush the order of requests is that in which they reach dm.  An
 * elevator above dm is free to change it before, so a device that is created in
 * this mode starts without one.
 *
 * A third property is that of drivers which sleep in their queue_rq()
 * (BLK_MQ_F_BLOCKING: nvme-tcp, nbd, null_blk with memory backing).  dm calls
 * into them from its own queue_rq(), so its tag set must be marked as well, and
 * that can only be done when the queue is made, before the first table.  Later
 * tables have to fit it.
 * - The mark does not depend on the ordered mode, as the mode can change and
 *   the mark cannot.  It does not alter what mode none does, only the context
 *   that it is done in.
 * - A first table without any path says nothing about the paths to come, so the
 *   queue is marked to fit all of them.
 *
 * This file is released under the GPL.
 */

#include "dm-core.h"
#include "dm-rq.h"
#include "dm-rq-barrier.h"

#include <linux/blkdev.h>

#define DM_MSG_PREFIX "rq-features"

#define CACHE_FEATURES	(BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA)

static int path_has_cache(struct dm_target *ti, struct dm_dev *dev,
			  sector_t start, sector_t len, void *data)
{
	return bdev_write_cache(dev->bdev);
}

static int path_lacks_fua(struct dm_target *ti, struct dm_dev *dev,
			  sector_t start, sector_t len, void *data)
{
	return !bdev_fua(dev->bdev);
}

static int path_may_block(struct dm_target *ti, struct dm_dev *dev,
			  sector_t start, sector_t len, void *data)
{
	struct request_queue *q = bdev_get_queue(dev->bdev);

	return q->tag_set && (q->tag_set->flags & BLK_MQ_F_BLOCKING);
}

static int path_collect_features(struct dm_target *ti, struct dm_dev *dev,
				 sector_t start, sector_t len, void *data)
{
	blk_features_t *features = data;

	*features |= bdev_get_queue(dev->bdev)->limits.features & CACHE_FEATURES;
	return 0;
}

/* Is @fn true for any path of the table? */
static bool any_path(struct dm_table *t, iterate_devices_callout_fn fn,
		     void *data)
{
	for (unsigned int i = 0; i < t->num_targets; i++) {
		struct dm_target *ti = dm_table_get_target(t, i);

		if (ti->type->iterate_devices &&
		    ti->type->iterate_devices(ti, fn, data))
			return true;
	}

	return false;
}

static blk_features_t advertise(struct dm_table *t, enum dm_rq_ordered mode,
				blk_features_t features)
{
	if (mode == QUEUE_ORDERED_NONE)
		return features;

	features |= BLK_FEAT_WRITE_CACHE;
	if (mode == QUEUE_ORDERED_DRAIN_FLUSH || any_path(t, path_lacks_fua, NULL))
		features &= ~BLK_FEAT_FUA;
	return features;
}

/**
 * dm_rq_features_volatile_cache - may data sit in a volatile cache of a target?
 * @ti: the target
 * @q: queue of the path that a flush was just mapped to
 *
 * The paths of a target lead to one LUN.  A write may have gone through any of
 * them, and their views of the LUN's cache can differ for a while after its
 * mode was changed.  So one path that reports a cache is enough, whatever @q
 * says.  This is the paths' current state, including what an administrator
 * wrote to their queue/write_cache.
 *
 * Context: Any in which the table of @ti cannot go away.
 * Return: true if a flush command has to be sent; also if a target does not
 * tell which devices it uses.
 */
bool dm_rq_features_volatile_cache(struct dm_target *ti,
				   struct request_queue *q)
{
	if (blk_queue_write_cache(q))
		return true;

	if (!ti->type->iterate_devices)
		return true;

	return ti->type->iterate_devices(ti, path_has_cache, NULL);
}

/**
 * dm_rq_features_init_tag_set - set up a tag set for mode and paths
 * @md: a new request-based device; its tag set is not allocated yet
 * @t: the first table
 *
 * Context: May sleep.
 */
void dm_rq_features_init_tag_set(struct mapped_device *md, struct dm_table *t)
{
	struct blk_mq_tag_set *set = md->tag_set;

	if (dm_table_has_no_data_devices(t) || any_path(t, path_may_block, NULL))
		set->flags |= BLK_MQ_F_BLOCKING;

	if (md->rq_barrier->mode == QUEUE_ORDERED_DRAIN_FLUSH)
		set->flags |= BLK_MQ_F_NO_SCHED_BY_DEFAULT;
}

/* Say why the paths do not fit the queue, and what to do about it. */
static int report_misfit(struct mapped_device *md, const char *what)
{
	DMERR("%s: %s: a path's driver may sleep and the device was not created for that",
	      dm_device_name(md), what);
	DMERR("%s: remove the device and create it again", dm_device_name(md));
	return -EINVAL;
}

static bool queue_fits_table(struct mapped_device *md, struct dm_table *t)
{
	return (md->tag_set->flags & BLK_MQ_F_BLOCKING) ||
	       !any_path(t, path_may_block, NULL);
}

/**
 * dm_rq_features_check_table - can a table be used with a device's queue?
 * @t: a request-based table that is being loaded
 *
 * Refuses paths whose driver may sleep under a queue that was made for paths
 * that do not.  Mode none lets them pass as stock device-mapper does.
 *
 * Context: May sleep.
 * Return: 0 or -EINVAL.
 */
int dm_rq_features_check_table(struct dm_table *t)
{
	struct mapped_device *md = t->md;

	/* A new device: the queue will be made to fit */
	if (!md->tag_set || !dm_rq_barrier_enabled(md))
		return 0;

	if (queue_fits_table(md, t))
		return 0;

	return report_misfit(md, "table load rejected");
}

/**
 * dm_rq_features_adjust - advertise what barriers can promise
 * @t: the table that is about to be used
 * @limits: limits of the device's queue as stacked from the paths of @t, or
 *          those of the table before if @t has no path
 *
 * Context: May sleep.
 * Return: 0, or -EINVAL if the table does not fit the queue (the mode may have
 * changed since it was loaded).
 */
int dm_rq_features_adjust(struct dm_table *t, struct queue_limits *limits)
{
	struct dm_rq_barrier *b = t->md->rq_barrier;
	int r;

	if (!b)
		return 0;

	r = dm_rq_features_check_table(t);
	if (r)
		return r;

	limits->features = advertise(t, b->mode, limits->features);
	return 0;
}

/* What dm would advertise by itself if the live table were loaded now. */
static blk_features_t stacked_features(struct dm_table *t,
				       blk_features_t current_features)
{
	blk_features_t features = 0;

	/* As dm_swap_table(): a table without paths keeps what there was */
	if (dm_table_has_no_data_devices(t))
		return current_features;

	any_path(t, path_collect_features, &features);
	return (current_features & ~CACHE_FEATURES) | features;
}

/**
 * dm_rq_features_set_mode - make a device advertise what a new mode promises
 * @md: the device
 * @t: its live table
 * @mode: the mode that it is switched to
 *
 * Context: May sleep.  I/O may be in flight; md->suspend_lock is held.
 * Return: 0, -EINVAL if the table cannot be used in @mode, or an error of
 * queue_limits_commit_update().
 */
int dm_rq_features_set_mode(struct mapped_device *md, struct dm_table *t,
			    enum dm_rq_ordered mode)
{
	struct queue_limits limits;

	lockdep_assert_held(&md->suspend_lock);

	if (mode != QUEUE_ORDERED_NONE && !queue_fits_table(md, t))
		return report_misfit(md, "mode rejected");

	limits = queue_limits_start_update(md->queue);
	limits.features = advertise(t, mode,
				    stacked_features(t, limits.features));
	return queue_limits_commit_update(md->queue, &limits);
}
