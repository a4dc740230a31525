// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ordered modes of request-based device-mapper.
 *
 * none:        what dm does without CONFIG_DM_RQ_BARRIER.  A flush is mapped like
 *              any other request, and nothing of what is in these files runs.
 * flush:       flush requests are carried out by rounds (dm-rq-barrier.c), and
 *              FUA writes are looked after (dm-rq-fua.c).  Nothing orders writes
 *              against flushes that the submitter did not wait for; file
 *              systems do wait.
 * drain_flush: the same, and a flush is an ordering point: what was written
 *              before it has ended, what is written after it waits, until the
 *              ordered sequence is over (dm-rq-ordered.c), and the device
 *              advertises no FUA (dm-rq-features.c).  The mode of that name of
 *              the block layer before 2.6.37.
 *
 * Deviation, on purpose: none is not the path that there was before, bit for bit.
 * Defects of that path that lose data, or that can be mended without any of this,
 * are mended for all modes, by changes of their own.
 *
 * Switching.  dm decides by the mode when it dispatches a request, and what it
 * decided stays with the request: a flush that waits for a round gets its
 * round, and a FUA write that was sent without FUA its flush, though the mode
 * may be none by then.  An ordered sequence that is running ends as one, and
 * lets go of what it held.  So switching waits for no I/O, and works while paths
 * are gone and requests are queued.  The mode is set before the queue
 * advertises what it promises, and the other way round on the way down, so that
 * the device never promises more than it keeps.
 *
 * This file is released under the GPL.
 */

#include "dm-core.h"
#include "dm-rq.h"
#include "dm-rq-barrier.h"

#include <linux/moduleparam.h>
#include <linux/string.h>

#include <trace/events/dm_rq_barrier.h>

#define DM_MSG_PREFIX "rq-mode"

static const char * const ordered_words[NR_QUEUE_ORDERED] = {
	[QUEUE_ORDERED_NONE]		= "none",
	[QUEUE_ORDERED_FLUSH]		= "flush",
	[QUEUE_ORDERED_DRAIN_FLUSH]	= "drain_flush",
};

static enum dm_rq_ordered default_mode =
	IS_ENABLED(CONFIG_DM_RQ_ORDERED_DEFAULT_NONE) ? QUEUE_ORDERED_NONE :
	IS_ENABLED(CONFIG_DM_RQ_ORDERED_DEFAULT_FLUSH) ? QUEUE_ORDERED_FLUSH :
	QUEUE_ORDERED_DRAIN_FLUSH;

/**
 * dm_rq_ordered_default - ordered mode of new devices
 *
 * Context: Any.
 * Return: the mode given by dm_mod.rq_ordered.
 */
enum dm_rq_ordered dm_rq_ordered_default(void)
{
	return READ_ONCE(default_mode);
}

/**
 * dm_rq_ordered_set_default - set the ordered mode of new devices
 * @mode: the mode
 *
 * Context: Any.
 */
void dm_rq_ordered_set_default(enum dm_rq_ordered mode)
{
	WRITE_ONCE(default_mode, mode);
}

static int parse_mode(const char *word)
{
	return sysfs_match_string(ordered_words, word);
}

static int rq_ordered_param_set(const char *val, const struct kernel_param *kp)
{
	int mode = parse_mode(val);

	if (mode < 0) {
		DMERR("rq_ordered: unknown mode \"%.*s\", use none, flush or drain_flush",
		      (int)strcspn(val, "\n"), val);
		return mode;
	}

	dm_rq_ordered_set_default(mode);
	return 0;
}

static int rq_ordered_param_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", ordered_words[dm_rq_ordered_default()]);
}

static const struct kernel_param_ops rq_ordered_param_ops = {
	.set = rq_ordered_param_set,
	.get = rq_ordered_param_get,
};

module_param_cb(rq_ordered, &rq_ordered_param_ops, NULL, 0644);
MODULE_PARM_DESC(rq_ordered, "Ordered mode of new request-based devices: none, flush or drain_flush");

static int features_of_mode(struct mapped_device *md, enum dm_rq_ordered mode,
			    blk_features_t *features)
{
	struct dm_table *map =
		rcu_dereference_protected(md->map,
					  lockdep_is_held(&md->suspend_lock));

	/* Without a live table the next one advertises by the new mode */
	return map ? dm_rq_features_of_mode(md, map, mode, features) : 0;
}

/*
 * Who writes to an attribute of the queue holds the lock of its limits until all
 * I/O has ended.  I/O that a suspend without flushing holds back does not end
 * before the resume, which takes suspend_lock: nobody may wait for the limits with
 * that held.  A new table takes both, suspend_lock first, so it is only tried here.
 *
 * The queue is not frozen, which limits ask for: only FUA changes.  blk-flush looks
 * for it once, when a request is inserted, and dm keeps what the request was
 * inserted for in all modes.  If it does not change there is no commit, as that
 * also raises the read-ahead to its default.
 */
static int try_switch_mode(struct mapped_device *md, enum dm_rq_ordered mode)
{
	struct queue_limits limits = queue_limits_start_update(md->queue);
	struct dm_rq_barrier *b = md->rq_barrier;
	blk_features_t features = limits.features;
	enum dm_rq_ordered old;
	int r;

	if (!mutex_trylock(&md->suspend_lock)) {
		queue_limits_cancel_update(md->queue);
		return -EAGAIN;
	}

	old = b->mode;
	r = features_of_mode(md, mode, &limits.features);
	if (r) {
		queue_limits_cancel_update(md->queue);
		goto out;
	}

	if (mode > old)
		WRITE_ONCE(b->mode, mode);
	if (limits.features == features)
		queue_limits_cancel_update(md->queue);
	else
		r = queue_limits_commit_update(md->queue, &limits);
	WRITE_ONCE(b->mode, r ? old : mode);
	/* A sequence that was over meanwhile has seen a mode that is none */
	dm_rq_ordered_switch(b);
	if (!r)
		trace_dm_rq_barrier_mode(disk_devt(dm_disk(md)),
					 ordered_words[old], ordered_words[mode]);
out:
	mutex_unlock(&md->suspend_lock);
	return r;
}

static void wait_for_suspend_or_resume(struct mapped_device *md)
{
	mutex_lock(&md->suspend_lock);
	mutex_unlock(&md->suspend_lock);
}

/**
 * dm_attr_rq_ordered_show - show rq_ordered
 * @md: the mapped device
 * @buf: page to print to
 *
 * All modes, the current one in brackets; a bio-based device has only none.
 *
 * Context: May sleep.
 * Return: number of characters.
 */
ssize_t dm_attr_rq_ordered_show(struct mapped_device *md, char *buf)
{
	enum dm_rq_ordered current_mode;
	ssize_t len = 0;

	if (!md->rq_barrier)
		return sysfs_emit(buf, "[%s]\n",
				  ordered_words[QUEUE_ORDERED_NONE]);

	current_mode = READ_ONCE(md->rq_barrier->mode);
	for (int i = 0; i < NR_QUEUE_ORDERED; i++)
		len += sysfs_emit_at(buf, len,
				     i == current_mode ? "%s[%s]" : "%s%s",
				     i ? " " : "", ordered_words[i]);

	return len + sysfs_emit_at(buf, len, "\n");
}

/**
 * dm_attr_rq_ordered_store - switch the ordered mode
 * @md: the mapped device
 * @buf: one word
 * @count: number of characters
 *
 * Context: May sleep.  Waits for a suspend or resume, for dispatches in progress
 * and for a write to an attribute of the queue, but itself for no I/O.
 * Return: @count; -EINVAL for a word that is no mode or a mode that the live
 * table cannot be used in; -EOPNOTSUPP for a bio-based device.
 */
ssize_t dm_attr_rq_ordered_store(struct mapped_device *md, const char *buf,
				 size_t count)
{
	int mode = parse_mode(buf);
	int r;

	if (mode < 0)
		return mode;

	if (!md->rq_barrier)
		return mode == QUEUE_ORDERED_NONE ? count : -EOPNOTSUPP;

	if (READ_ONCE(md->rq_barrier->mode) == mode)
		return count;

	while ((r = try_switch_mode(md, mode)) == -EAGAIN)
		wait_for_suspend_or_resume(md);

	return r ? r : count;
}
