// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ordered mode of a request-based device has to do with its queue.
 *
 * Whatever the mode is, a request-based device advertises a volatile write
 * cache, so that every flush reaches dm, and FUA only if every path has it; see
 * dm_table_set_restrictions().  Paths may change later: whether a flush needs a
 * command is decided when it is mapped, by dm_rq_volatile_cache(), and paths
 * that lose FUA are dealt with in dm-rq-fua.c.
 *
 * In mode drain_flush the device has no FUA even if all paths have it: the
 * post-flush that the block layer issues instead is part of the ordered
 * sequence.
 *
 * In mode drain_flush the order of requests is that in which they reach dm.  An
 * elevator above dm is free to change it before, so a device that is created in
 * this mode starts without one.
 *
 * The queue is marked for drivers that sleep in their queue_rq()
 * (BLK_MQ_F_BLOCKING) when it is made, by the first table.  Later tables have to
 * fit it; mode none lets them pass, as dm does without barriers, and cannot be
 * left then.
 *
 * This file is released under the GPL.
 */

#include "dm-core.h"
#include "dm-rq.h"
#include "dm-rq-barrier.h"

#include <linux/blkdev.h>

#define DM_MSG_PREFIX "rq-features"

/* A table without paths keeps what there was. */
static blk_features_t advertise(struct dm_table *t, enum dm_rq_ordered mode,
				blk_features_t features)
{
	if (mode == QUEUE_ORDERED_DRAIN_FLUSH || dm_table_lacks_fua(t))
		return features & ~BLK_FEAT_FUA;

	if (dm_table_has_no_data_devices(t))
		return features;

	return features | BLK_FEAT_FUA;
}

/**
 * dm_rq_features_init_tag_set - set up a tag set for the mode
 * @md: a new request-based device; its tag set is not allocated yet
 *
 * Context: May sleep.
 */
void dm_rq_features_init_tag_set(struct mapped_device *md)
{
	if (md->rq_barrier->mode == QUEUE_ORDERED_DRAIN_FLUSH)
		md->tag_set->flags |= BLK_MQ_F_NO_SCHED_BY_DEFAULT;
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
	       !dm_table_may_block(t);
}

/**
 * dm_rq_features_check_table - can a table be used with a device's queue?
 * @t: a request-based table that is being loaded
 *
 * Refuses paths whose driver may sleep under a queue that was made for paths
 * that do not.  Mode none lets them pass.
 *
 * Context: May sleep.
 * Return: 0 or -EINVAL.
 */
int dm_rq_features_check_table(struct dm_table *t)
{
	struct mapped_device *md = t->md;

	/* A new device: the queue will be made to fit */
	if (dm_get_md_type(md) == DM_TYPE_NONE || !dm_rq_barrier_enabled(md))
		return 0;

	if (queue_fits_table(md, t))
		return 0;

	return report_misfit(md, "table load rejected");
}

/**
 * dm_rq_features_adjust - advertise what barriers can promise
 * @t: the table that is about to be used
 * @features: features of the device's queue as stacked from the paths of @t, or
 *            those of the table before if @t has no path
 *
 * Context: May sleep.
 * Return: 0, or -EINVAL if the table does not fit the queue (the mode may have
 * changed since it was loaded).
 */
int dm_rq_features_adjust(struct dm_table *t, blk_features_t *features)
{
	struct dm_rq_barrier *b = t->md->rq_barrier;
	int r;

	if (!b)
		return 0;

	r = dm_rq_features_check_table(t);
	if (r)
		return r;

	*features = advertise(t, b->mode, *features);
	return 0;
}

/**
 * dm_rq_features_of_mode - what a device promises in another mode
 * @md: the device
 * @t: its live table
 * @mode: the mode that it is switched to
 * @features: features of the device's queue, in and out
 *
 * Context: May sleep.  I/O may be in flight; md->suspend_lock is held.
 * Return: 0, or -EINVAL if the table cannot be used in @mode.
 */
int dm_rq_features_of_mode(struct mapped_device *md, struct dm_table *t,
			   enum dm_rq_ordered mode, blk_features_t *features)
{
	lockdep_assert_held(&md->suspend_lock);

	if (mode != QUEUE_ORDERED_NONE && !queue_fits_table(md, t))
		return report_misfit(md, "mode rejected");

	*features = advertise(t, mode, *features);
	return 0;
}
