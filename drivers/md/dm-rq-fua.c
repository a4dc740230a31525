// SPDX-License-Identifier: GPL-2.0-only
/*
 * FUA writes of request-based device-mapper to paths without FUA.
 *
 * The device advertises FUA only while every path supports it, but paths change
 * after a table was loaded.  dm clones requests past the path's own flush
 * machinery, so nothing below dm makes up for a path without FUA: the driver
 * ignores the flag, the write completes from the volatile cache and is lost
 * with it.
 *
 * So a FUA write that a target maps to such a path is sent without FUA, and
 * once its data is written it is handed to dm_rq_barrier_add() for a flush
 * before it completes.
 *
 * The submitter must not hear of the write before that flush.  dm-rq.c
 * completes the original's bio as soon as the clone's bio ends; the clones of
 * such writes therefore get bio and request completions of their own, which
 * leave the original alone.  In return the original is still complete when a
 * round asks for a requeue, and the whole write is repeated: nobody was told
 * that it happened, so nobody can tell that it happened twice.
 *
 * This file is released under the GPL.
 */

#include "dm-core.h"
#include "dm-rq.h"
#include "dm-rq-barrier.h"

#include <trace/events/dm_rq_barrier.h>

/* Like end_clone_bio() of dm-rq.c, but the original is not told. */
static void fua_end_clone_bio(struct bio *bio)
{
	struct dm_rq_clone_bio_info *info =
		container_of(bio, struct dm_rq_clone_bio_info, clone);
	struct dm_rq_target_io *tio = info->tio;
	bool is_last = !bio->bi_next;

	if (bio->bi_status && !tio->error)
		tio->error = bio->bi_status;
	bio_put(bio);
	if (is_last)
		tio->clone->bio = NULL;
}

/* The data is written: the clone is done with, the original wants its flush. */
static void fua_data_done(struct dm_rq_target_io *tio, struct request *clone)
{
	struct dm_target *ti = tio->ti;
	int r = DM_ENDIO_DONE;

	if (ti->type->rq_end_io)
		r = ti->type->rq_end_io(ti, clone, BLK_STS_OK, &tio->info);

	blk_rq_unprep_clone(clone);
	ti->type->release_clone_rq(clone, NULL);
	tio->clone = NULL;

	if (r != DM_ENDIO_DONE) {
		dm_requeue_unmapped_request(tio->orig, 0);
		return;
	}

	dm_rq_barrier_count_fua(tio->md);
	dm_rq_barrier_add(tio);
}

static enum rq_end_io_ret fua_end_io(struct request *clone, blk_status_t status,
				     const struct io_comp_batch *iob)
{
	struct dm_rq_target_io *tio = clone->end_io_data;

	if (!status)
		status = tio->error;

	if (status)
		dm_complete_request(tio->orig, status);
	else
		fua_data_done(tio, clone);

	return RQ_END_IO_NONE;
}

/**
 * __dm_rq_fua_prep_clone - turn a FUA write into a write and a flush if needed
 * @tio: target io of a FUA write; its clone is set up but not issued
 *
 * Does nothing if the path the clone goes to supports FUA.
 *
 * Context: dm's queue_rq().
 */
void __dm_rq_fua_prep_clone(struct dm_rq_target_io *tio)
{
	struct mapped_device *md = tio->md;
	struct request *clone = tio->clone;
	struct bio *bio;

	if (!dm_rq_barrier_enabled(md))
		return;

	if (bdev_fua(clone->q->disk->part0))
		return;

	clone->cmd_flags &= ~REQ_FUA;
	clone->end_io = fua_end_io;
	for (bio = clone->bio; bio; bio = bio->bi_next) {
		bio->bi_opf &= ~REQ_FUA;
		bio->bi_end_io = fua_end_clone_bio;
	}

	trace_dm_rq_barrier_fua(disk_devt(dm_disk(md)),
				disk_devt(clone->q->disk), blk_rq_pos(clone),
				blk_rq_sectors(clone));
}
