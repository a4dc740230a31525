// SPDX-License-Identifier: GPL-2.0-only
/*
 * Barrier rounds for request-based device-mapper.
 *
 * The block layer (block/blk-flush.c) turns REQ_PREFLUSH and REQ_FUA into
 * REQ_OP_FLUSH requests and hands them to dm like any other request.  Here they
 * are not mapped like any other request: they are left in dm_rq_barrier.pending,
 * in mode drain_flush when the ordered sequencer (dm-rq-ordered.c) has come to
 * them, and dm_rq_barrier_work() serves them from the kdmflush workqueue
 * (md->wq), where sleeping is allowed.
 *
 * One execution of dm_rq_barrier() is a round.  The rules, cited below:
 *
 * R1. A round maps ti->num_flush_bios empty flush clones for every target of
 *     the live table and waits for all of them, and for nothing else.  What it
 *     allocates itself, for all clones but the first, comes from a mempool with
 *     GFP_NOIO.  Clones are issued as they are mapped and give their pool
 *     element back when they end, so an element that is missing is always one
 *     that is coming back: a reserve of one is enough for a round to make
 *     progress without any free memory.  (The clone request itself is allocated
 *     by the target, which takes a tag of the path without waiting.  Where there
 *     is none the round is requeued, R3.)
 *
 * R2. A clone ends in whatever context the path's driver ends it in, which may
 *     be hard IRQ.  It serves every request of the round and so has no original
 *     (tio->orig is NULL) whose softirq completion it could go through.
 *
 * R3. A clone ends through dm_done(), which asks the target, and then
 *     dm_end_request() or dm_requeue_original_request(), where it is recorded
 *     in dm_rq_barrier.error.  A round has one result: "not supported"
 *     supersedes everything, being asked to try again supersedes any other
 *     error, and of other errors the first one reported is kept.  A clone that
 *     a target or a driver cannot take now asks to try again.
 *
 * R4. When the round is over each of its requests is requeued or completed with
 *     the result, one or the other and exactly once.
 *
 * R4a. A path that rejects the flush command (BLK_STS_NOTSUPP, or for a SCSI
 *     illegal request BLK_STS_TARGET) has not flushed its cache.  That is what
 *     "not supported" means in R3; the submitter sees -EOPNOTSUPP.
 *
 * R5. A round serves all requests that are pending when it starts, whatever
 *     hardware queue they come from.  One that arrives later waits for the next
 *     round, because writes that it has to cover may have completed after this
 *     round's commands were sent.
 *
 * R6. No command is sent where no path of the target has a volatile cache at
 *     that moment, see dm_rq_volatile_cache().
 *
 * Suspend.  __dm_suspend() stops the queue, flushes md->wq and then waits until
 * no started request is left.  A pending request counts as started.  The work
 * neither waits for writes nor for paths to come back, it serves or hands back
 * what is pending, so the flush ends when the paths' drivers end their clones.
 * A FUA write (dm-rq-fua.c) may queue the work again after that, while suspend
 * waits for the write; the table is not swapped before it stops waiting.
 * Requests whose round was due at suspend are flushed through the old table
 * rather than handed back, so that a table which is loaded next may well lead
 * somewhere else.  Requests that the ordered sequencer holds are not started,
 * and stay where they are.
 *
 * Deviations from a flush that dm maps like other requests, on purpose:
 * - target_type.busy() is not asked; kdmflush can find out by mapping;
 * - a round that met a busy path is retried after BARRIER_BUSY_MS, as blk-mq
 *   does for BLK_STS_RESOURCE; at once would turn kdmflush into a busy loop;
 * - the error target, which asks for no flush clones, fails the round.
 *
 * This file is released under the GPL.
 */

#include "dm-core.h"
#include "dm-rq.h"
#include "dm-rq-barrier.h"

#include <linux/blk-mq.h>
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include <trace/events/dm_rq_barrier.h>

#define DM_MSG_PREFIX "rq-barrier"

/*
 * How long a round that has to be repeated waits, in milliseconds.  BUSY is
 * BLK_MQ_RESOURCE_DELAY of block/blk-mq.c, DELAY what dm-rq.c waits after
 * DM_MAPIO_DELAY_REQUEUE and DM_ENDIO_DELAY_REQUEUE.
 */
#define BARRIER_BUSY_MS		3
#define BARRIER_DELAY_MS	100

/* See R1 for why one is enough. */
#define BARRIER_MIN_CLONES	1

static dev_t barrier_devt(struct dm_rq_barrier *b)
{
	return disk_devt(dm_disk(b->md));
}

static dev_t path_devt(struct request *clone)
{
	return disk_devt(clone->q->disk);
}

static bool flush_rejected(blk_status_t status)
{
	return status == BLK_STS_NOTSUPP || status == BLK_STS_TARGET;
}

/**
 * dm_rq_barrier_record - add one clone's result to its round's
 * @round: the result of the round so far, all zero before the first clone
 * @clone: what came of one clone
 *
 * R3 and R4a in one place: "not supported" supersedes everything; then being
 * asked to try again, after the longest delay that any clone asked for;
 * otherwise the first reported error is kept.
 *
 * Context: Any.  The caller serialises calls for one round.
 */
void dm_rq_barrier_record(struct dm_rq_barrier_error *round,
			  const struct dm_rq_barrier_error *clone)
{
	if (round->status == BLK_STS_NOTSUPP)
		return;

	if (clone->requeue) {
		round->requeue = true;
		round->delay_ms = max(round->delay_ms, clone->delay_ms);
		return;
	}

	if (flush_rejected(clone->status)) {
		round->status = BLK_STS_NOTSUPP;
		round->requeue = false;
		round->delay_ms = 0;
		return;
	}

	if (!round->status)
		round->status = clone->status;
}

static void record(struct dm_rq_barrier *b, struct dm_rq_barrier_error result)
{
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	dm_rq_barrier_record(&b->error, &result);
	b->stats.rejected += !result.requeue && flush_rejected(result.status);
	spin_unlock_irqrestore(&b->lock, flags);
}

/* Success changes nothing. */
static void record_status(struct dm_rq_barrier *b, blk_status_t status)
{
	if (status)
		record(b, (struct dm_rq_barrier_error){ .status = status });
}

static void record_requeue(struct dm_rq_barrier *b, unsigned int delay_ms)
{
	record(b, (struct dm_rq_barrier_error){
		.requeue = true,
		.delay_ms = delay_ms,
	});
}

static void count(struct dm_rq_barrier *b, u64 *counter)
{
	unsigned long flags;

	spin_lock_irqsave(&b->lock, flags);
	(*counter)++;
	spin_unlock_irqrestore(&b->lock, flags);
}

static void put_round(struct dm_rq_barrier *b)
{
	if (atomic_dec_and_test(&b->in_flight))
		complete(&b->done);
}

/*
 * There is one round at a time, and with multipath it has one clone.  The target
 * io of a round's first clone is behind @b, so that it needs no pool.
 */
static struct dm_rq_target_io *first_clone_tio(struct dm_rq_barrier *b)
{
	return (struct dm_rq_target_io *)(b + 1);
}

/*
 * A flush clone has a target io of its own.  An ordinary clone finds its one,
 * and the target's per-io data behind it, in the original's pdu.
 */
static struct dm_rq_target_io *get_clone_tio(struct dm_rq_barrier *b,
					     struct dm_target *ti)
{
	struct mapped_device *md = b->md;
	struct dm_rq_target_io *tio = first_clone_tio(b);

	if (b->round_clones)
		tio = mempool_alloc(&b->clones, GFP_NOIO);

	memset(tio, 0, md->tag_set->cmd_size);
	tio->md = md;
	tio->ti = ti;
	if (md->init_tio_pdu)
		tio->info.ptr = tio + 1;

	atomic_inc(&b->in_flight);
	b->round_clones++;
	return tio;
}

static void put_clone_tio(struct dm_rq_barrier *b, struct dm_rq_target_io *tio)
{
	if (tio != first_clone_tio(b))
		mempool_free(tio, &b->clones);
	put_round(b);
}

/* R2: the path's driver is done with a clone, in the context of the driver. */
static enum rq_end_io_ret flush_clone_end_io(struct request *clone,
					     blk_status_t status,
					     const struct io_comp_batch *iob)
{
	struct dm_rq_target_io *tio = clone->end_io_data;

	tio->error = status;
	dm_done(clone, status, true);
	return RQ_END_IO_NONE;
}

/* R4a: one message, naming who is at fault. */
static void report_rejected(struct dm_rq_barrier *b, struct request *clone)
{
	DMERR_LIMIT("%s: path %s rejects cache flushes: what was written is not safe",
		    dm_device_name(b->md), clone->q->disk->disk_name);
}

/**
 * dm_rq_barrier_end_clone - end a flush clone
 * @clone: the clone; it is gone when the function returns
 * @verdict: what the target wants, %DM_ENDIO_DONE, %DM_ENDIO_REQUEUE or
 *           %DM_ENDIO_DELAY_REQUEUE
 * @status: how the path ended it; looked at for %DM_ENDIO_DONE only
 *
 * The end of dm-rq's end-request path for flush clones: record the result (R3)
 * and give back the clone, which may end the round.
 *
 * Context: Any, including hard IRQ.
 */
void dm_rq_barrier_end_clone(struct request *clone, int verdict,
			     blk_status_t status)
{
	struct dm_rq_target_io *tio = clone->end_io_data;
	struct dm_rq_barrier *b = tio->md->rq_barrier;

	trace_dm_rq_barrier_clone_end(barrier_devt(b), path_devt(clone),
				      blk_status_to_errno(tio->error), verdict);

	if (verdict == DM_ENDIO_REQUEUE) {
		record_requeue(b, 0);
	} else if (verdict == DM_ENDIO_DELAY_REQUEUE) {
		record_requeue(b, BARRIER_DELAY_MS);
	} else {
		if (flush_rejected(status))
			report_rejected(b, clone);
		record_status(b, status);
	}

	tio->ti->type->release_clone_rq(clone, NULL);
	put_clone_tio(b, tio);
}

/* The target or the driver did not take the clone: undo the mapping. */
static void unmap_clone(struct dm_rq_barrier *b, struct dm_rq_target_io *tio,
			struct request *clone)
{
	tio->ti->type->release_clone_rq(clone, &tio->info);
	put_clone_tio(b, tio);
}

static void issue_clone(struct dm_rq_barrier *b, struct dm_rq_target_io *tio,
			struct request *clone)
{
	dev_t path = path_devt(clone);
	blk_status_t status;

	clone->end_io = flush_clone_end_io;
	clone->end_io_data = tio;
	tio->clone = clone;

	trace_block_rq_remap(clone, barrier_devt(b), 0);
	trace_dm_rq_barrier_map(barrier_devt(b), path, "issue");

	status = blk_insert_cloned_request(clone);
	switch (status) {
	case BLK_STS_OK:
		/* The clone may be gone already */
		count(b, &b->stats.commands);
		return;
	case BLK_STS_RESOURCE:
	case BLK_STS_DEV_RESOURCE:
		trace_dm_rq_barrier_map(barrier_devt(b), path, "busy");
		record_requeue(b, BARRIER_BUSY_MS);
		blk_mq_cleanup_rq(clone);
		unmap_clone(b, tio, clone);
		return;
	default:
		/* As map_request(): what becomes of it is for the target to say */
		tio->error = status;
		dm_done(clone, status, true);
	}
}

static void map_clone(struct dm_rq_barrier *b, struct dm_target *ti,
		      struct request *rq)
{
	struct dm_rq_target_io *tio = get_clone_tio(b, ti);
	struct request *clone = NULL;
	int r;

	r = ti->type->clone_and_map_rq(ti, rq, &tio->info, &clone);
	switch (r) {
	case DM_MAPIO_REMAPPED:
		if (!dm_rq_volatile_cache(ti, clone->q)) {
			trace_dm_rq_barrier_map(barrier_devt(b),
						path_devt(clone), "no cache");
			count(b, &b->stats.no_cache);
			unmap_clone(b, tio, clone);
			return;
		}
		issue_clone(b, tio, clone);
		return;
	case DM_MAPIO_REQUEUE:
		trace_dm_rq_barrier_map(barrier_devt(b), 0, "requeue");
		record_requeue(b, BARRIER_BUSY_MS);
		break;
	case DM_MAPIO_DELAY_REQUEUE:
		trace_dm_rq_barrier_map(barrier_devt(b), 0, "delay");
		record_requeue(b, BARRIER_DELAY_MS);
		break;
	case DM_MAPIO_KILL:
		trace_dm_rq_barrier_map(barrier_devt(b), 0, "kill");
		record_status(b, BLK_STS_IOERR);
		break;
	default:
		/* DM_MAPIO_SUBMITTED too: nobody could end such a clone */
		DMCRIT("%s: unimplemented target map return value: %d",
		       dm_device_name(b->md), r);
		record_status(b, BLK_STS_IOERR);
	}

	put_clone_tio(b, tio);
}

/*
 * The error target wants no flush clones, but it stands for a device that is
 * gone: success would vouch for data that was written before.
 */
static void map_table(struct dm_rq_barrier *b, struct dm_table *map,
		      struct request *rq)
{
	for (unsigned int i = 0; i < map->num_targets; i++) {
		struct dm_target *ti = dm_table_get_target(map, i);

		if (dm_target_is_wildcard(ti->type))
			record_status(b, BLK_STS_IOERR);
		for (unsigned int n = 0; n < ti->num_flush_bios; n++)
			map_clone(b, ti, rq);
	}
}

/*
 * Execute one round (R1) and return its result.  Targets see @rq as the request
 * that the clones are made from, see flush_request().
 *
 * The reference to the table is dropped before the wait, or loading and
 * clearing tables would wait for paths.  The table cannot be replaced
 * meanwhile: that needs a suspend, which flushes md->wq.  Waiting idly keeps
 * khungtaskd, which a site may have told to panic, from taking a path that is
 * slow to fail for a hung worker.
 */
static struct dm_rq_barrier_error dm_rq_barrier(struct dm_rq_barrier *b,
						struct request *rq)
{
	struct dm_table *map;
	int srcu_idx;

	b->error = (struct dm_rq_barrier_error){ };
	b->round_clones = 0;
	reinit_completion(&b->done);
	atomic_set(&b->in_flight, 1);

	map = dm_get_live_table(b->md, &srcu_idx);
	if (map) {
		map_table(b, map, rq);
	} else {
		DMERR_LIMIT("%s: mapping table unavailable, erroring flush",
			    dm_device_name(b->md));
		record_status(b, BLK_STS_IOERR);
	}

	dm_put_live_table(b->md, srcu_idx);

	/* Clones that ended in the call that issued them need no wake-up */
	if (!atomic_dec_and_test(&b->in_flight))
		wait_for_completion_state(&b->done, TASK_IDLE);

	/* Nobody is left who could record anything */
	return b->error;
}

/*
 * The request to show to targets: the round's own, as @batch may hold nothing
 * but FUA writes, and targets copy operation and flags into the clone.  It is
 * fail-fast only if all requests of the round are; sharing a round must not
 * cost a request the retries that it is entitled to.
 */
static struct request *flush_request(struct dm_rq_barrier *b,
				     struct list_head *batch)
{
	blk_opf_t failfast = REQ_FAILFAST_MASK;
	struct request *rq;

	list_for_each_entry(rq, batch, queuelist)
		failfast &= rq->cmd_flags;

	b->flush_rq.cmd_flags = REQ_OP_FLUSH | REQ_PREFLUSH | failfast;
	return &b->flush_rq;
}

/* R4.  @rq, and with the last one the caller's hold on md, is gone then. */
static void finish_request(struct dm_rq_barrier *b, struct request *rq,
			   const struct dm_rq_barrier_error *error)
{
	if (error->requeue)
		dm_requeue_unmapped_request(rq, error->delay_ms);
	else if (!error->status && dm_rq_ordered_again(b, rq))
		dm_requeue_unmapped_request(rq, 0);
	else
		dm_end_unmapped_request(rq, error->status);
}

static void account_round(struct dm_rq_barrier *b, unsigned int requests,
			  const struct dm_rq_barrier_error *error, u64 ns)
{
	spin_lock_irq(&b->lock);
	b->stats.rounds++;
	b->stats.requests += requests;
	b->stats.clones += b->round_clones;
	b->stats.round_ns += ns;
	if (error->requeue)
		b->stats.requeues += requests;
	else if (error->status)
		b->stats.errors += requests;
	spin_unlock_irq(&b->lock);

	trace_dm_rq_barrier_round_end(barrier_devt(b), requests,
				      b->round_clones, error->requeue ? 0 :
				      blk_status_to_errno(error->status), ns);
	if (error->requeue)
		trace_dm_rq_barrier_requeue(barrier_devt(b), requests,
					    error->delay_ms);
}

/* Serve everything that is pending (R5) with one round. */
static void serve_pending(struct dm_rq_barrier *b)
{
	struct dm_rq_barrier_error error;
	struct request *rq, *next;
	unsigned int requests;
	LIST_HEAD(batch);
	u64 start;

	spin_lock_irq(&b->lock);
	list_splice_init(&b->pending, &batch);
	spin_unlock_irq(&b->lock);

	/* The work is queued for the sequencer's sake too */
	if (list_empty(&batch))
		return;

	requests = list_count_nodes(&batch);
	trace_dm_rq_barrier_round_start(barrier_devt(b), requests);
	start = ktime_get_ns();
	error = dm_rq_barrier(b, flush_request(b, &batch));
	account_round(b, requests, &error, ktime_get_ns() - start);

	list_for_each_entry_safe(rq, next, &batch, queuelist) {
		list_del_init(&rq->queuelist);
		finish_request(b, rq, &error);
	}
}

/*
 * Requests that arrive meanwhile queue the work again.  The workqueue is
 * destroyed before md is freed, so @b outlives this function though the requests
 * may not.
 */
static void dm_rq_barrier_work(struct work_struct *work)
{
	struct dm_rq_barrier *b = container_of(work, struct dm_rq_barrier, work);

	do {
		serve_pending(b);
	} while (dm_rq_ordered_advance(b));
}

/**
 * dm_rq_barrier_kick - have kdmflush look for something to do
 * @b: the device's barriers
 *
 * Context: Any.  The caller makes sure that the mapped device stays.
 */
void dm_rq_barrier_kick(struct dm_rq_barrier *b)
{
	queue_work(b->md->wq, &b->work);
}

static void add_request(struct dm_rq_target_io *tio, bool kick)
{
	struct dm_rq_barrier *b = tio->md->rq_barrier;
	struct request *rq = tio->orig;
	unsigned long flags;

	/*
	 * Once the lock is dropped a round that was queued for another request
	 * may end this one, and with it the reference that keeps md->wq.
	 */
	spin_lock_irqsave(&b->lock, flags);
	list_add_tail(&rq->queuelist, &b->pending);
	if (kick)
		dm_rq_barrier_kick(b);
	spin_unlock_irqrestore(&b->lock, flags);
}

/**
 * dm_rq_barrier_add - have a request served by the next round
 * @tio: target io of a started request that has no clone: a flush request, or a
 *       FUA write whose data was written without FUA
 *
 * Once the next round is over the request is requeued or completed (R4).
 *
 * Context: Any, including hard IRQ.  The request holds a reference to the
 * mapped device, as dm_start_request() takes it.
 */
void dm_rq_barrier_add(struct dm_rq_target_io *tio)
{
	add_request(tio, true);
}

/**
 * dm_rq_barrier_enqueue - dm_rq_barrier_add() for who is about to run a round
 * @tio: as there
 *
 * Context: kdmflush.
 */
void dm_rq_barrier_enqueue(struct dm_rq_target_io *tio)
{
	add_request(tio, false);
}

/**
 * dm_rq_barrier_count_fua - count a FUA write that was written without FUA
 * @md: the mapped device
 *
 * Context: Any.
 */
void dm_rq_barrier_count_fua(struct mapped_device *md)
{
	count(md->rq_barrier, &md->rq_barrier->stats.fua_writes);
}

/**
 * dm_attr_rq_barrier_stats_show - show rq_barrier_stats
 * @md: the mapped device
 * @buf: page to print to
 *
 * Context: May sleep.
 * Return: number of characters; none for a bio-based device.
 */
ssize_t dm_attr_rq_barrier_stats_show(struct mapped_device *md, char *buf)
{
	struct dm_rq_barrier *b = md->rq_barrier;
	struct dm_rq_barrier_stats s;
	unsigned int held;

	if (!b)
		return 0;

	spin_lock_irq(&b->lock);
	s = b->stats;
	held = b->seq.held;
	spin_unlock_irq(&b->lock);

	return sysfs_emit(buf,
			  "rounds %llu\n"
			  "requests %llu\n"
			  "clones %llu\n"
			  "commands %llu\n"
			  "no_cache %llu\n"
			  "requeues %llu\n"
			  "errors %llu\n"
			  "rejected %llu\n"
			  "fua_writes %llu\n"
			  "round_ns %llu\n"
			  "sequences %llu\n"
			  "extra_rounds %llu\n"
			  "held %u\n"
			  "held_max %llu\n"
			  "drained %llu\n"
			  "drain_ns %llu\n"
			  "hold_ns %llu\n",
			  s.rounds, s.requests, s.clones, s.commands,
			  s.no_cache, s.requeues, s.errors, s.rejected,
			  s.fua_writes, s.round_ns, s.sequences,
			  s.extra_rounds, held, s.held_max, s.drained,
			  s.drain_ns, s.hold_ns);
}

/*
 * Flush requests come from kblockd, a workqueue of high priority.  If kdmflush is
 * one as well, both have the same workers on a processor: the one that hands over
 * a flush request goes on with the round when it is done with that.  Otherwise
 * another worker has to be woken up for each flush.
 *
 * With several hardware queues that other worker is welcome.  Until it runs,
 * kblockd hands over the flush requests of the other hardware queues, and they
 * share the round.  One hardware queue has no more than one flush request.
 *
 * md->wq is made before the type of the device is known, hence made again.
 */
static int share_workers_of_kblockd(struct mapped_device *md)
{
	struct workqueue_struct *wq;

	if (md->tag_set->nr_hw_queues > 1)
		return 0;

	wq = alloc_workqueue("kdmflush/%s",
			     WQ_MEM_RECLAIM | WQ_HIGHPRI | WQ_PERCPU, 0,
			     md->name);
	if (!wq)
		return -ENOMEM;

	/* A suspend may be flushing the old one */
	mutex_lock(&md->suspend_lock);
	destroy_workqueue(md->wq);
	md->wq = wq;
	mutex_unlock(&md->suspend_lock);
	return 0;
}

static void free_barrier(struct dm_rq_barrier *b)
{
	if (!b)
		return;

	dm_rq_ordered_exit(b);
	mempool_exit(&b->clones);
	kfree(b);
}

static struct dm_rq_barrier *alloc_barrier(struct mapped_device *md)
{
	struct dm_rq_barrier *b;

	b = kzalloc_node(sizeof(*b) + md->tag_set->cmd_size, GFP_KERNEL,
			 md->numa_node_id);
	if (!b)
		return NULL;

	b->md = md;
	b->mode = dm_rq_ordered_default();
	spin_lock_init(&b->lock);
	INIT_LIST_HEAD(&b->pending);
	INIT_WORK(&b->work, dm_rq_barrier_work);
	init_completion(&b->done);
	blk_rq_init(md->queue, &b->flush_rq);

	/* What is not set up is all zero, and may be freed */
	if (mempool_init_kmalloc_pool(&b->clones, BARRIER_MIN_CLONES,
				      md->tag_set->cmd_size) ||
	    dm_rq_ordered_init(b)) {
		free_barrier(b);
		return NULL;
	}

	return b;
}

/* A suspend may be looking at the old one. */
static void replace_barrier(struct mapped_device *md, struct dm_rq_barrier *b)
{
	struct dm_rq_barrier *old;

	mutex_lock(&md->suspend_lock);
	old = md->rq_barrier;
	md->rq_barrier = b;
	mutex_unlock(&md->suspend_lock);
	free_barrier(old);
}

/**
 * dm_rq_barrier_init - set up barriers for a request-based device
 * @md: the device; its tag set knows its cmd_size and nr_hw_queues already
 *
 * Called again if an earlier table load failed after this.
 *
 * Context: May sleep.  Nobody uses the queue yet.
 * Return: 0 or -ENOMEM.
 */
int dm_rq_barrier_init(struct mapped_device *md)
{
	struct dm_rq_barrier *b = alloc_barrier(md);
	int r;

	if (!b)
		return -ENOMEM;

	r = share_workers_of_kblockd(md);
	if (r) {
		free_barrier(b);
		return r;
	}

	replace_barrier(md, b);
	pr_info_once(DM_NAME ": " DM_MSG_PREFIX ": version "
		     DM_RQ_BARRIER_VERSION " is active\n");
	return 0;
}

/**
 * dm_rq_barrier_cancel - undo dm_rq_barrier_init() as a table load fails
 * @md: the device; may be one that was never set up
 *
 * Context: May sleep.  Nobody uses the queue yet.
 */
void dm_rq_barrier_cancel(struct mapped_device *md)
{
	replace_barrier(md, NULL);
}

/**
 * dm_rq_barrier_exit - free what dm_rq_barrier_init() set up
 * @md: the device; may be one that was never set up
 *
 * Context: May sleep.  The device is gone but for its memory: no request is
 * pending, md->wq does not run any more and md->suspend_lock is no lock any more.
 */
void dm_rq_barrier_exit(struct mapped_device *md)
{
	free_barrier(md->rq_barrier);
}

MODULE_VERSION(DM_RQ_BARRIER_VERSION);
