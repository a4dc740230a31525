// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which requests does a flush request serve?
 *
 * block/blk-flush.c hands dm one flush request for all requests of a hardware
 * queue that wait for a flush at that moment, and tells nobody which they are.
 * The ordered sequencer has to know: a request in its pre-flush step that
 * carries data will come to dm as barrier I/O once the flush is completed, one
 * in its post-flush step has been there.  Between the two, dm has nothing in its
 * hands, and yet the sequence is not over.  Guessing means to open the gate too
 * early, or to wait for what never comes.
 *
 * What there is to go by:
 * - The flush request borrows the tag of the first request that it serves; the
 *   scheduler's tag if there is an elevator, the driver's if not.  That request
 *   keeps the tag until it ends.
 * - The requests are linked by their queuelist.  The list's head is in a
 *   structure private to blk-flush.c, but there is no need to see it: it is the
 *   one entry that is followed by the first request.
 * - The list is complete when the flush request is issued, and is not touched
 *   until it ends.  So it can be read, without a lock, by whoever has the flush
 *   request in hand.
 *
 * This file is the only place that knows.  If the block layer changes, the
 * suite dm-rq-served fails.
 *
 * This file is released under the GPL.
 */

#include "dm-core.h"
#include "dm-rq-barrier.h"

#include <linux/blk-mq.h>

static struct request *first_served(struct request *flush)
{
	struct blk_mq_hw_ctx *hctx = flush->mq_hctx;

	if (flush->q->elevator)
		return hctx->sched_tags->static_rqs[flush->internal_tag];

	return hctx->tags->static_rqs[flush->tag];
}

/**
 * dm_rq_walk_served - call a function for all requests of a flush request
 * @flush: a flush request that reached dm and has not been ended
 * @fn: what to call; it must leave the requests' queuelist alone
 * @data: passed to @fn
 *
 * Does nothing for a flush request that does not come from blk-flush, as the
 * clones of a request-based device stacked on this one.
 *
 * Context: Any.
 */
void dm_rq_walk_served(struct request *flush, dm_rq_served_fn fn, void *data)
{
	struct list_head *first, *pos;

	if (!(flush->rq_flags & RQF_FLUSH_SEQ))
		return;

	first = &first_served(flush)->queuelist;
	pos = first;
	do {
		fn(list_entry(pos, struct request, queuelist), data);
		pos = pos->next;
	} while (pos->next != first);
}
