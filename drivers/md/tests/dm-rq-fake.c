// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fake disks and a fake target for KUnit suites, see dm-rq-fake.h.
 *
 * This file is released under the GPL.
 */

#include "dm-rq-fake.h"

#include <linux/preempt.h>

/* When a disk's timer fires; any time will do if it is an interrupt */
#define FAKE_HARDIRQ_NS		20000

#define FAKE_PIO_MAGIC		0x6461656d6f6e7321ULL

const struct dm_rq_fake_outcome dm_rq_fake_success = {
	.name = "success",
	.map = DM_MAPIO_REMAPPED,
	.verdict = DM_ENDIO_DONE,
};

const struct dm_rq_fake_outcome dm_rq_fake_medium = {
	.name = "medium error",
	.map = DM_MAPIO_REMAPPED,
	.status = BLK_STS_MEDIUM,
};

const struct dm_rq_fake_outcome dm_rq_fake_notsupp = {
	.name = "not supported",
	.map = DM_MAPIO_REMAPPED,
	.status = BLK_STS_NOTSUPP,
};

const struct dm_rq_fake_outcome dm_rq_fake_again = {
	.name = "requeue",
	.map = DM_MAPIO_REMAPPED,
	.status = BLK_STS_TRANSPORT,
	.verdict = DM_ENDIO_REQUEUE,
};

/* The target's per-io data. */
struct fake_pio {
	u64 magic;
	const struct dm_rq_fake_outcome *outcome;
};

/* A disk's per-request data. */
struct fake_cmd {
	const struct dm_rq_fake_outcome *outcome;
	struct fake_pio *pio;
};

/* The target's constructor has no other way to learn whose table it is for. */
static struct dm_rq_fake *fake_now;

static void get_ctx(struct dm_rq_fake_ctx *ctx)
{
	ctx->task = current;
	ctx->work = current_work();
	ctx->hardirq = in_hardirq();
	ctx->softirq = in_serving_softirq();
	ctx->atomic = preempt_count() || irqs_disabled();
}

/*
 * The disk
 */

static void fake_end(struct dm_rq_fake_disk *d, struct request *rq)
{
	struct fake_cmd *cmd = blk_mq_rq_to_pdu(rq);
	blk_status_t status = cmd->outcome ? cmd->outcome->status : BLK_STS_OK;

	if (req_op(rq) == REQ_OP_FLUSH) {
		get_ctx(&d->fake->disk_ctx);
		if (!status)
			status = d->flush_status;
	}
	blk_mq_end_request(rq, status);
}

/**
 * dm_rq_fake_release - end all requests that a disk has started
 * @d: the disk
 *
 * Context: Any.
 */
void dm_rq_fake_release(struct dm_rq_fake_disk *d)
{
	struct request *rq, *next;
	unsigned long flags;
	LIST_HEAD(list);

	spin_lock_irqsave(&d->lock, flags);
	list_splice_init(&d->started, &list);
	d->nr_started = 0;
	spin_unlock_irqrestore(&d->lock, flags);

	list_for_each_entry_safe(rq, next, &list, queuelist) {
		list_del_init(&rq->queuelist);
		fake_end(d, rq);
	}
}

static char fake_log_letter(struct dm_rq_fake *f, struct request *rq);

/**
 * dm_rq_fake_end - end one of the requests that the first disk has started
 * @test: the test, which fails if there is none
 * @letter: the request's letter in the log
 *
 * Context: May sleep.
 */
void dm_rq_fake_end(struct kunit *test, char letter)
{
	struct dm_rq_fake_disk *d = &((struct dm_rq_fake *)test->priv)->disk[0];
	struct request *rq, *found = NULL;

	spin_lock_irq(&d->lock);
	list_for_each_entry(rq, &d->started, queuelist) {
		if (fake_log_letter(d->fake, rq) != letter)
			continue;
		list_del_init(&rq->queuelist);
		d->nr_started--;
		found = rq;
		break;
	}
	spin_unlock_irq(&d->lock);

	KUNIT_ASSERT_NOT_NULL_MSG(test, found, "no %c is started", letter);
	fake_end(d, found);
}

/**
 * dm_rq_fake_expect_log - has this reached the first disk, and no more?
 * @test: the test, which ends here if not
 * @log: what is expected
 *
 * Context: May sleep, waits for so much.
 */
void dm_rq_fake_expect_log(struct kunit *test, const char *log)
{
	struct dm_rq_fake_disk *d = &((struct dm_rq_fake *)test->priv)->disk[0];

	fake_wait_for(test, READ_ONCE(d->nr_log) >= strlen(log));
	KUNIT_ASSERT_STREQ(test, d->log, log);
}

/**
 * dm_rq_fake_fail_started - change what becomes of requests a disk has started
 * @d: the disk
 * @outcome: what becomes of them when they are ended
 *
 * Context: May sleep.
 */
void dm_rq_fake_fail_started(struct dm_rq_fake_disk *d,
			     const struct dm_rq_fake_outcome *outcome)
{
	struct request *rq;

	spin_lock_irq(&d->lock);
	list_for_each_entry(rq, &d->started, queuelist) {
		struct fake_cmd *cmd = blk_mq_rq_to_pdu(rq);

		cmd->outcome = outcome;
		cmd->pio->outcome = outcome;
	}
	spin_unlock_irq(&d->lock);
}

/**
 * dm_rq_fake_held - number of requests that a disk has started and not ended
 * @d: the disk
 *
 * Context: Any.
 * Return: the number.
 */
unsigned int dm_rq_fake_held(struct dm_rq_fake_disk *d)
{
	return READ_ONCE(d->nr_started);
}

static enum hrtimer_restart fake_timer(struct hrtimer *timer)
{
	dm_rq_fake_release(container_of(timer, struct dm_rq_fake_disk, timer));
	return HRTIMER_NORESTART;
}

static void fake_work(struct work_struct *work)
{
	dm_rq_fake_release(container_of(work, struct dm_rq_fake_disk, work));
}

static char fake_log_letter(struct dm_rq_fake *f, struct request *rq)
{
	switch (req_op(rq)) {
	case REQ_OP_FLUSH:
		return 'F';
	case REQ_OP_WRITE:
		if (f->by_name)
			return 'a' + blk_rq_pos(rq) / PAGE_SECTORS / 2;
		return rq->cmd_flags & REQ_FUA ? 'U' : 'W';
	case REQ_OP_WRITE_ZEROES:
		return 'Z';
	default:
		return 'R';
	}
}

static void fake_start(struct dm_rq_fake_disk *d, struct request *rq)
{
	unsigned long flags;

	blk_mq_start_request(rq);
	spin_lock_irqsave(&d->lock, flags);
	list_add_tail(&rq->queuelist, &d->started);
	d->nr_started++;
	if (d->nr_log < FAKE_MAX_LOG)
		d->log[d->nr_log++] = fake_log_letter(d->fake, rq);
	spin_unlock_irqrestore(&d->lock, flags);
}

static blk_status_t fake_queue_rq(struct blk_mq_hw_ctx *hctx,
				  const struct blk_mq_queue_data *bd)
{
	struct dm_rq_fake_disk *d = hctx->queue->queuedata;
	struct request *rq = bd->rq;
	struct fake_cmd *cmd = blk_mq_rq_to_pdu(rq);

	if (cmd->outcome && cmd->outcome->queue)
		return cmd->outcome->queue;

	fake_start(d, rq);
	switch (d->context) {
	case FAKE_DIRECT:
		dm_rq_fake_release(d);
		break;
	case FAKE_HARDIRQ:
		/* Not _HARD: like that of a driver it may take any spinlock */
		hrtimer_start(&d->timer, ns_to_ktime(FAKE_HARDIRQ_NS),
			      HRTIMER_MODE_REL);
		break;
	case FAKE_THREAD:
		queue_work(system_unbound_wq, &d->work);
		break;
	case FAKE_HOLD:
		break;
	}

	return BLK_STS_OK;
}

static int fake_init_request(struct blk_mq_tag_set *set, struct request *rq,
			     unsigned int hctx_idx, int numa_node)
{
	struct fake_cmd *cmd = blk_mq_rq_to_pdu(rq);

	cmd->outcome = NULL;
	return 0;
}

static const struct blk_mq_ops fake_mq_ops = {
	.queue_rq = fake_queue_rq,
	.init_request = fake_init_request,
};

static const struct block_device_operations fake_disk_ops = {
	.owner = THIS_MODULE,
};

/**
 * dm_rq_fake_set_features - change what a disk says of its cache
 * @d: the disk
 * @features: BLK_FEAT_WRITE_CACHE and BLK_FEAT_FUA, or not
 *
 * Context: May sleep.
 */
void dm_rq_fake_set_features(struct dm_rq_fake_disk *d, blk_features_t features)
{
	struct queue_limits limits = queue_limits_start_update(d->disk->queue);
	int r;

	limits.features &= ~(BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA);
	limits.features |= features;
	r = queue_limits_commit_update(d->disk->queue, &limits);
	KUNIT_EXPECT_EQ(d->fake->test, r, 0);
}

/**
 * dm_rq_fake_override_cache - say that a disk's cache is not volatile, or not
 * @d: the disk
 * @override: whether to say it, as an administrator would
 *
 * Context: May sleep.
 */
void dm_rq_fake_override_cache(struct dm_rq_fake_disk *d, bool override)
{
	struct queue_limits limits = queue_limits_start_update(d->disk->queue);
	int r;

	if (override)
		limits.flags |= BLK_FLAG_WRITE_CACHE_DISABLED;
	else
		limits.flags &= ~BLK_FLAG_WRITE_CACHE_DISABLED;
	r = queue_limits_commit_update(d->disk->queue, &limits);
	KUNIT_EXPECT_EQ(d->fake->test, r, 0);
}

/**
 * dm_rq_fake_set_zeroes - have a disk know how to write zeroes
 * @d: the disk
 *
 * Context: May sleep.
 */
void dm_rq_fake_set_zeroes(struct dm_rq_fake_disk *d)
{
	struct queue_limits limits = queue_limits_start_update(d->disk->queue);
	int r;

	limits.max_write_zeroes_sectors = PAGE_SECTORS;
	r = queue_limits_commit_update(d->disk->queue, &limits);
	KUNIT_EXPECT_EQ(d->fake->test, r, 0);
}

/**
 * dm_rq_fake_set_blocking - have a disk claim that its driver may sleep
 * @d: the disk; it gets no I/O while it claims that
 * @blocking: whether to claim it
 *
 * Context: Any.
 */
void dm_rq_fake_set_blocking(struct dm_rq_fake_disk *d, bool blocking)
{
	if (blocking)
		d->set.flags |= BLK_MQ_F_BLOCKING;
	else
		d->set.flags &= ~BLK_MQ_F_BLOCKING;
}

static int fake_disk_add(struct dm_rq_fake_disk *d, const char *name)
{
	struct gendisk *disk;
	int r;

	d->set.ops = &fake_mq_ops;
	d->set.nr_hw_queues = 1;
	d->set.queue_depth = 16;
	d->set.numa_node = NUMA_NO_NODE;
	d->set.cmd_size = sizeof(struct fake_cmd);
	d->set.flags = BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	r = blk_mq_alloc_tag_set(&d->set);
	if (r)
		return r;

	disk = blk_mq_alloc_disk(&d->set, NULL, d);
	if (IS_ERR(disk)) {
		blk_mq_free_tag_set(&d->set);
		return PTR_ERR(disk);
	}

	disk->fops = &fake_disk_ops;
	disk->flags |= GENHD_FL_NO_PART;
	strscpy(disk->disk_name, name, sizeof(disk->disk_name));
	set_capacity(disk, FAKE_SECTORS);
	r = add_disk(disk);
	if (r) {
		put_disk(disk);
		blk_mq_free_tag_set(&d->set);
		return r;
	}

	d->disk = disk;
	dm_rq_fake_set_features(d, BLK_FEAT_WRITE_CACHE);
	return 0;
}

static void fake_disk_init(struct dm_rq_fake *f, struct dm_rq_fake_disk *d)
{
	d->fake = f;
	d->context = FAKE_DIRECT;
	spin_lock_init(&d->lock);
	INIT_LIST_HEAD(&d->started);
	INIT_WORK(&d->work, fake_work);
	hrtimer_setup(&d->timer, fake_timer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}

static void fake_disk_remove(struct dm_rq_fake_disk *d)
{
	if (!d->disk)
		return;

	del_gendisk(d->disk);
	put_disk(d->disk);
	blk_mq_free_tag_set(&d->set);
	hrtimer_cancel(&d->timer);
	cancel_work_sync(&d->work);
}

/*
 * The target
 */

struct fake_target {
	struct dm_rq_fake *fake;
	struct dm_dev *path[FAKE_MAX_PATHS];
	unsigned int nr_paths;
};

static void fake_dtr(struct dm_target *ti)
{
	struct fake_target *ft = ti->private;

	for (unsigned int i = 0; i < ft->nr_paths; i++)
		dm_put_device(ti, ft->path[i]);
	kfree(ft);
}

static int fake_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct fake_target *ft = kzalloc(sizeof(*ft), GFP_KERNEL);
	int r;

	if (!ft)
		return -ENOMEM;

	ft->fake = fake_now;
	ti->private = ft;
	ti->num_flush_bios = ft->fake->num_flush_bios;
	ti->num_write_zeroes_bios = 1;
	ti->per_io_data_size = sizeof(struct fake_pio);
	dm_table_set_type(ti->table, DM_TYPE_REQUEST_BASED);

	for (unsigned int i = 0; i < argc && i < FAKE_MAX_PATHS; i++) {
		r = dm_get_device(ti, argv[i], BLK_OPEN_READ | BLK_OPEN_WRITE,
				  &ft->path[i]);
		if (r) {
			fake_dtr(ti);
			return r;
		}
		ft->nr_paths++;
	}

	return 0;
}

static const struct dm_rq_fake_outcome *
fake_next_outcome(struct dm_rq_fake_script *script)
{
	if (script->next >= script->nr)
		return &dm_rq_fake_success;

	return script->outcome[script->next++];
}

static void fake_note_map(struct dm_rq_fake *f, struct request *rq,
			  struct fake_pio *pio)
{
	get_ctx(&f->map_ctx);
	f->map_failfast = rq->cmd_flags & REQ_FAILFAST_MASK;
	if (f->maps < FAKE_MAX_SCRIPT)
		f->map_time[f->maps] = ktime_get_ns();
	f->maps++;
	if (pio->magic == FAKE_PIO_MAGIC)
		f->map_shared++;
	pio->magic = FAKE_PIO_MAGIC;
}

static int fake_map(struct dm_target *ti, struct request *rq,
		    union map_info *map_context, struct request **clone)
{
	struct fake_target *ft = ti->private;
	struct dm_rq_fake *f = ft->fake;
	bool flush = req_op(rq) == REQ_OP_FLUSH;
	struct fake_pio *pio = map_context->ptr;
	struct fake_cmd *cmd;
	unsigned long flags;
	struct dm_dev *path;

	spin_lock_irqsave(&f->lock, flags);
	pio->outcome = fake_next_outcome(flush ? &f->flushes : &f->writes);
	spin_unlock_irqrestore(&f->lock, flags);
	if (flush)
		fake_note_map(f, rq, pio);

	if (pio->outcome->map != DM_MAPIO_REMAPPED)
		return pio->outcome->map;
	if (!ft->nr_paths)
		return DM_MAPIO_DELAY_REQUEUE;

	path = ft->path[min(f->path, ft->nr_paths - 1)];
	*clone = blk_mq_alloc_request(bdev_get_queue(path->bdev),
				      rq->cmd_flags | REQ_NOMERGE,
				      BLK_MQ_REQ_NOWAIT);
	if (IS_ERR(*clone))
		return DM_MAPIO_REQUEUE;

	cmd = blk_mq_rq_to_pdu(*clone);
	cmd->outcome = pio->outcome;
	cmd->pio = pio;
	(*clone)->bio = NULL;
	(*clone)->biotail = NULL;
	return DM_MAPIO_REMAPPED;
}

static void fake_release_clone(struct request *clone,
			       union map_info *map_context)
{
	blk_mq_free_request(clone);
}

static int fake_rq_end_io(struct dm_target *ti, struct request *clone,
			  blk_status_t error, union map_info *map_context)
{
	struct fake_target *ft = ti->private;
	struct fake_pio *pio = map_context->ptr;

	if (req_op(clone) == REQ_OP_FLUSH) {
		get_ctx(&ft->fake->end_ctx);
		if (blk_rq_bytes(clone) || clone->bio)
			ft->fake->map_data++;
	}

	pio->magic = 0;
	return pio->outcome->verdict;
}

static int fake_iterate_devices(struct dm_target *ti,
				iterate_devices_callout_fn fn, void *data)
{
	struct fake_target *ft = ti->private;
	int r = 0;

	for (unsigned int i = 0; i < ft->nr_paths && !r; i++)
		r = fn(ti, ft->path[i], 0, ti->len, data);

	return r;
}

static struct target_type fake_target_type = {
	.name = "dm-rq-fake",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_SINGLETON | DM_TARGET_IMMUTABLE,
	.module = THIS_MODULE,
	.ctr = fake_ctr,
	.dtr = fake_dtr,
	.clone_and_map_rq = fake_map,
	.release_clone_rq = fake_release_clone,
	.rq_end_io = fake_rq_end_io,
	.iterate_devices = fake_iterate_devices,
};

/**
 * dm_rq_fake_script - say what becomes of the clones to come
 * @script: the script to start anew
 * @a: outcome of the first clone, or NULL
 * @b: outcome of the second clone, or NULL
 * @c: outcome of the third clone, or NULL
 *
 * Context: Any; no clone is being mapped.
 */
void dm_rq_fake_script(struct dm_rq_fake_script *script,
		       const struct dm_rq_fake_outcome *a,
		       const struct dm_rq_fake_outcome *b,
		       const struct dm_rq_fake_outcome *c)
{
	script->outcome[0] = a;
	script->outcome[1] = b;
	script->outcome[2] = c;
	script->nr = !!a + !!b + !!c;
	script->next = 0;
}

/*
 * The mapped device
 */

/**
 * dm_rq_fake_path - name of a disk for a table line
 * @test: the test
 * @i: which disk
 *
 * Context: May sleep.
 * Return: "MAJOR:MINOR", freed with the test.
 */
char *dm_rq_fake_path(struct kunit *test, unsigned int i)
{
	struct dm_rq_fake *f = test->priv;
	char *name = kunit_kzalloc(test, 32, GFP_KERNEL);
	dev_t dev = disk_devt(f->disk[i].disk);

	KUNIT_ASSERT_NOT_NULL(test, name);
	snprintf(name, 32, "%u:%u", MAJOR(dev), MINOR(dev));
	return name;
}

/**
 * dm_rq_fake_table - make a table and give it to the mapped device to check
 * @test: the test
 * @type: target type
 * @params: target parameters
 * @t: where to put the table
 *
 * What the table load ioctl does.
 *
 * Context: May sleep.
 * Return: 0 or what refused the table.
 */
int dm_rq_fake_table(struct kunit *test, const char *type, const char *params,
		     struct dm_table **t)
{
	struct dm_rq_fake *f = test->priv;
	char *copy = kunit_kstrdup(test, params, GFP_KERNEL);
	int r;

	fake_now = f;
	r = dm_table_create(t, BLK_OPEN_READ | BLK_OPEN_WRITE, 1, f->md);
	if (r)
		return r;

	r = dm_table_add_target(*t, type, 0, FAKE_SECTORS, copy);
	if (!r)
		r = dm_table_complete(*t);
	if (!r && dm_get_md_type(f->md) == DM_TYPE_NONE) {
		dm_lock_md_type(f->md);
		r = dm_setup_md_queue(f->md, *t);
		dm_unlock_md_type(f->md);
	}
	if (r) {
		dm_table_destroy(*t);
		*t = NULL;
	}

	return r;
}

/**
 * dm_rq_fake_swap - make a table the live one and resume
 * @test: the test
 * @t: the table
 *
 * What the resume ioctl does.  Suspends first if need be, without flushing.
 *
 * Context: May sleep.
 * Return: 0 or what refused the table, which is destroyed then.
 */
int dm_rq_fake_swap(struct kunit *test, struct dm_table *t)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_table *old;
	int r;

	if (!dm_suspended_md(f->md)) {
		r = dm_suspend(f->md, DM_SUSPEND_NOFLUSH_FLAG);
		KUNIT_ASSERT_EQ(test, r, 0);
	}

	old = dm_swap_table(f->md, t);
	if (IS_ERR(old)) {
		dm_table_destroy(t);
		return PTR_ERR(old);
	}

	r = dm_resume(f->md);
	if (old)
		dm_table_destroy(old);
	return r;
}

/**
 * dm_rq_fake_load - load a table of the fake target and make it live
 * @test: the test
 * @nr_paths: use the first so many disks
 *
 * Context: May sleep.
 * Return: 0 or what refused the table.
 */
int dm_rq_fake_load(struct kunit *test, unsigned int nr_paths)
{
	char params[64] = "";
	struct dm_table *t;
	int r;

	for (unsigned int i = 0; i < nr_paths; i++) {
		strlcat(params, dm_rq_fake_path(test, i), sizeof(params));
		strlcat(params, " ", sizeof(params));
	}

	r = dm_rq_fake_table(test, fake_target_type.name, params, &t);
	if (r)
		return r;

	return dm_rq_fake_swap(test, t);
}

/**
 * dm_rq_fake_create - create the mapped device over the first disk
 * @test: the test
 *
 * Context: May sleep.
 */
void dm_rq_fake_create(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, dm_rq_fake_load(test, 1), 0);
}

/**
 * dm_rq_fake_pin - submit from one CPU, that is to one hardware queue
 * @cpu: the CPU
 *
 * What a test is about depends on it: each hardware queue has flush requests of
 * its own.  The suites begin with CPU 0.
 *
 * Context: May sleep; the thread of the test.
 * Return: 0 or an error.
 */
int dm_rq_fake_pin(unsigned int cpu)
{
	return set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

/**
 * dm_rq_fake_init - make disks, target and a mapped device without table
 * @test: the test; its priv becomes a struct dm_rq_fake
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int dm_rq_fake_init(struct kunit *test)
{
	static const char * const names[FAKE_MAX_PATHS] = { "fakea", "fakeb" };
	struct dm_rq_fake *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int r;

	if (!f)
		return -ENOMEM;

	f->test = test;
	f->num_flush_bios = 1;
	f->default_mode = dm_rq_ordered_default();
	dm_rq_ordered_set_default(QUEUE_ORDERED_FLUSH);
	spin_lock_init(&f->lock);
	test->priv = f;
	for (int i = 0; i < FAKE_MAX_PATHS; i++)
		fake_disk_init(f, &f->disk[i]);

	r = dm_rq_fake_pin(0);
	if (r)
		return r;

	r = dm_register_target(&fake_target_type);
	if (r)
		return r;

	for (int i = 0; i < FAKE_MAX_PATHS; i++) {
		r = fake_disk_add(&f->disk[i], names[i]);
		if (r)
			return r;
	}

	return dm_create(DM_ANY_MINOR, &f->md);
}

/**
 * dm_rq_fake_init_ordered - dm_rq_fake_init() for the ordered sequencer's suites
 * @test: the test
 *
 * The device is created in mode drain_flush, and writes have names.
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int dm_rq_fake_init_ordered(struct kunit *test)
{
	int r = dm_rq_fake_init(test);
	struct dm_rq_fake *f = test->priv;

	if (r)
		return r;

	f->by_name = true;
	dm_rq_ordered_set_default(QUEUE_ORDERED_DRAIN_FLUSH);
	return 0;
}

/**
 * dm_rq_fake_exit - undo dm_rq_fake_init(), whatever the test left behind
 * @test: the test
 *
 * Context: May sleep.
 */
void dm_rq_fake_exit(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;

	if (!f)
		return;

	dm_rq_ordered_set_default(f->default_mode);
	for (int i = 0; i < FAKE_MAX_PATHS; i++) {
		dm_rq_fake_set_blocking(&f->disk[i], false);
		f->disk[i].context = FAKE_DIRECT;
		dm_rq_fake_release(&f->disk[i]);
	}

	if (f->md) {
		if (dm_suspended_md(f->md))
			dm_resume(f->md);
		dm_put(f->md);
		dm_destroy(f->md);
	}

	for (int i = 0; i < FAKE_MAX_PATHS; i++)
		fake_disk_remove(&f->disk[i]);
	dm_unregister_target(&fake_target_type);
}

/*
 * I/O to the mapped device
 */

static void io_ended(struct dm_rq_fake_io *io, blk_status_t status)
{
	io->error = blk_status_to_errno(status);
	atomic_inc(&io->ends);
	complete(&io->done);
}

static void bio_ended(struct bio *bio)
{
	io_ended(bio->bi_private, bio->bi_status);
}

static enum rq_end_io_ret rq_ended(struct request *rq, blk_status_t status,
				   const struct io_comp_batch *iob)
{
	io_ended(rq->end_io_data, status);
	return RQ_END_IO_FREE;
}

static struct dm_rq_fake_io *new_io(struct kunit *test)
{
	struct dm_rq_fake_io *io = kunit_kzalloc(test, sizeof(*io), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, io);
	init_completion(&io->done);
	return io;
}

static struct dm_rq_fake_io *submit(struct kunit *test, blk_opf_t opf,
				    bool data, sector_t sector,
				    unsigned int bytes)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io = new_io(test);

	io->bio = bio_alloc(dm_disk(f->md)->part0, data, opf, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, io->bio);
	io->bio->bi_iter.bi_sector = sector;
	io->bio->bi_iter.bi_size = bytes;
	if (data) {
		io->page = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, io->page);
		__bio_add_page(io->bio, io->page, PAGE_SIZE, 0);
	}

	io->bio->bi_private = io;
	io->bio->bi_end_io = bio_ended;
	submit_bio(io->bio);
	return io;
}

/**
 * dm_rq_fake_submit - submit a bio to the mapped device
 * @test: the test
 * @opf: operation and flags
 * @data: give it a page of data, to or from sector 0
 *
 * Context: May sleep.
 * Return: the I/O, to be waited for with dm_rq_fake_wait().
 */
struct dm_rq_fake_io *dm_rq_fake_submit(struct kunit *test, blk_opf_t opf,
					bool data)
{
	return submit(test, opf, data, 0, 0);
}

static sector_t place(char name)
{
	return (name - 'a') * 2 * PAGE_SECTORS;
}

/**
 * dm_rq_fake_write - submit a write that can be told from others
 * @test: the test
 * @name: a small letter; the write goes to a place of that name
 * @flags: flags to add to the operation
 *
 * The places are two pages apart, so that nothing is merged.
 *
 * Context: May sleep.
 * Return: the I/O, to be waited for with dm_rq_fake_wait().
 */
struct dm_rq_fake_io *dm_rq_fake_write(struct kunit *test, char name,
				       blk_opf_t flags)
{
	return submit(test, REQ_OP_WRITE | REQ_SYNC | flags, true,
		      place(name), 0);
}

/**
 * dm_rq_fake_zeroes - submit a request to write zeroes
 * @test: the test
 * @name: as for dm_rq_fake_write()
 *
 * Context: May sleep.
 * Return: the I/O, to be waited for with dm_rq_fake_wait().
 */
struct dm_rq_fake_io *dm_rq_fake_zeroes(struct kunit *test, char name)
{
	return submit(test, REQ_OP_WRITE_ZEROES, false, place(name), PAGE_SIZE);
}

/**
 * dm_rq_fake_flush - submit an empty flush to the mapped device
 * @test: the test
 *
 * Context: May sleep.
 * Return: the I/O, to be waited for with dm_rq_fake_wait().
 */
struct dm_rq_fake_io *dm_rq_fake_flush(struct kunit *test)
{
	return dm_rq_fake_submit(test, REQ_OP_WRITE | REQ_PREFLUSH | REQ_SYNC,
				 false);
}

/**
 * dm_rq_fake_flush_request - hand the mapped device a flush request
 * @test: the test
 * @flags: request flags to add
 *
 * blk-flush has one flush request per hardware queue in flight, and a machine
 * with one CPU has one hardware queue.  This stands for the flush request of
 * another one: it reaches dm's queue_rq() through the requeue list.
 *
 * Context: May sleep.
 * Return: the I/O, to be waited for with dm_rq_fake_wait().
 */
struct dm_rq_fake_io *dm_rq_fake_flush_request(struct kunit *test,
					       blk_opf_t flags)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io = new_io(test);
	struct request *rq;

	rq = blk_mq_alloc_request(f->md->queue,
				  REQ_OP_FLUSH | REQ_PREFLUSH | flags, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, rq);
	rq->end_io = rq_ended;
	rq->end_io_data = io;
	blk_mq_requeue_request(rq, true);
	return io;
}

/**
 * dm_rq_fake_start_round - stop a round in the middle
 * @test: the test
 *
 * Submits a flush whose command the first disk holds until
 * dm_rq_fake_release().
 *
 * Context: May sleep.
 * Return: the flush, to be waited for with dm_rq_fake_wait().
 */
struct dm_rq_fake_io *dm_rq_fake_start_round(struct kunit *test)
{
	struct dm_rq_fake *f = test->priv;
	struct dm_rq_fake_io *io;

	f->disk[0].context = FAKE_HOLD;
	io = dm_rq_fake_flush(test);
	fake_wait_for(test, dm_rq_fake_held(&f->disk[0]) == 1);
	return io;
}

/**
 * dm_rq_fake_wait - wait for an I/O
 * @test: the test
 * @io: the I/O
 *
 * Context: May sleep.
 * Return: what it ended with, as an errno value.  Fails the test if it does not
 * end.
 */
int dm_rq_fake_wait(struct kunit *test, struct dm_rq_fake_io *io)
{
	unsigned long left;

	left = wait_for_completion_timeout(&io->done,
					   msecs_to_jiffies(FAKE_PATIENCE_MS));
	KUNIT_ASSERT_NE_MSG(test, left, 0, "an I/O never ended");
	KUNIT_EXPECT_EQ(test, atomic_read(&io->ends), 1);

	if (io->page)
		__free_page(io->page);
	if (io->bio)
		bio_put(io->bio);
	io->page = NULL;
	io->bio = NULL;
	return io->error;
}

/**
 * dm_rq_fake_pending - number of requests that wait for a round
 * @f: the mapped device
 *
 * Context: May sleep.
 * Return: the number.
 */
unsigned int dm_rq_fake_pending(struct dm_rq_fake *f)
{
	struct dm_rq_barrier *b = f->md->rq_barrier;
	unsigned int n;

	spin_lock_irq(&b->lock);
	n = list_count_nodes(&b->pending);
	spin_unlock_irq(&b->lock);
	return n;
}

/**
 * dm_rq_fake_stats - copy of the mapped device's counters
 * @f: the mapped device
 *
 * Context: May sleep.
 * Return: the counters.
 */
struct dm_rq_barrier_stats dm_rq_fake_stats(struct dm_rq_fake *f)
{
	struct dm_rq_barrier *b = f->md->rq_barrier;
	struct dm_rq_barrier_stats stats;

	spin_lock_irq(&b->lock);
	stats = b->stats;
	spin_unlock_irq(&b->lock);
	return stats;
}

/**
 * dm_rq_fake_sequencer - copy of the ordered sequencer's state, to look at
 * @f: the mapped device
 *
 * Context: May sleep.
 * Return: the state; its lists and pointers are of no use.
 */
struct dm_rq_sequencer dm_rq_fake_sequencer(struct dm_rq_fake *f)
{
	struct dm_rq_barrier *b = f->md->rq_barrier;
	struct dm_rq_sequencer seq;

	spin_lock_irq(&b->lock);
	seq = b->seq;
	spin_unlock_irq(&b->lock);
	return seq;
}

/**
 * dm_rq_fake_expect_held - wait until so many requests are held
 * @test: the test
 * @held: how many
 *
 * Context: May sleep.
 */
void dm_rq_fake_expect_held(struct kunit *test, unsigned int held)
{
	struct dm_rq_fake *f = test->priv;

	fake_wait_for(test, dm_rq_fake_sequencer(f).held == held);
}

static struct attribute *find_attr(const struct kobj_type *ktype,
				   const char *name)
{
	const struct attribute_group **group;
	struct attribute **attr;

	for (group = ktype->default_groups; *group; group++)
		for (attr = (*group)->attrs; attr && *attr; attr++)
			if (!strcmp((*attr)->name, name))
				return *attr;

	return NULL;
}

static ssize_t write_queue_attr(struct kunit *test, const char *name,
				const char *value)
{
	struct dm_rq_fake *f = test->priv;
	struct kobject *kobj = &dm_disk(f->md)->queue_kobj;
	const struct kobj_type *ktype = get_ktype(kobj);
	struct attribute *attr = find_attr(ktype, name);

	KUNIT_ASSERT_NOT_NULL(test, attr);
	return ktype->sysfs_ops->store(kobj, attr, value, strlen(value));
}

/**
 * dm_rq_fake_elevator - give the mapped device an elevator
 * @test: the test; skipped if there is no such elevator, or if there are not
 *        enough tags
 * @elevator: its name, or "none"
 * @requests: so many requests have to find a place in the device's queue
 * @started: so many have to be under way while another one arrives
 *
 * An elevator takes more requests than the device has tags, if told to.
 *
 * Context: May sleep.
 */
void dm_rq_fake_elevator(struct kunit *test, const char *elevator,
			 unsigned int requests, unsigned int started)
{
	struct dm_rq_fake *f = test->priv;

	if (write_queue_attr(test, "scheduler", elevator) < 0)
		kunit_skip(test, "no elevator %s", elevator);

	/* Plenty, as some are kept for reads; twice, as mq-deadline lags */
	if (f->md->queue->elevator && f->md->queue->nr_requests < 60) {
		write_queue_attr(test, "nr_requests", "64");
		write_queue_attr(test, "nr_requests", "60");
	}

	if (f->md->tag_set->queue_depth <= started ||
	    f->md->queue->nr_requests < requests)
		kunit_skip(test, "needs %u requests and %u tags", requests,
			   started + 1);
}

/**
 * dm_rq_fake_set_mode - switch the ordered mode as its file in sysfs does
 * @test: the test
 * @word: what is written
 *
 * Context: May sleep.
 */
void dm_rq_fake_set_mode(struct kunit *test, const char *word)
{
	struct dm_rq_fake *f = test->priv;

	KUNIT_ASSERT_EQ(test, dm_attr_rq_ordered_store(f->md, word,
						       strlen(word)),
			strlen(word));
}

/**
 * dm_rq_fake_suspend - suspend the mapped device
 * @f: the mapped device
 * @flags: %DM_SUSPEND_NOFLUSH_FLAG or 0
 *
 * Context: May sleep.
 * Return: 0 or an error.
 */
int dm_rq_fake_suspend(struct dm_rq_fake *f, unsigned int flags)
{
	return dm_suspend(f->md, flags);
}

static void background_fn(struct work_struct *work)
{
	struct dm_rq_fake_background *bg =
		container_of(work, struct dm_rq_fake_background, work);

	bg->r = bg->fn(bg->fake, bg->flags);
	complete(&bg->done);
}

/**
 * dm_rq_fake_start - have something done that may wait for the test
 * @test: the test
 * @fn: what to do
 * @flags: passed to @fn
 *
 * Context: May sleep.
 * Return: to be given to dm_rq_fake_finish().
 */
struct dm_rq_fake_background *
dm_rq_fake_start(struct kunit *test,
		 int (*fn)(struct dm_rq_fake *f, unsigned int flags),
		 unsigned int flags)
{
	struct dm_rq_fake_background *bg;

	bg = kunit_kzalloc(test, sizeof(*bg), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bg);
	bg->fake = test->priv;
	bg->fn = fn;
	bg->flags = flags;
	init_completion(&bg->done);
	INIT_WORK(&bg->work, background_fn);
	queue_work(system_unbound_wq, &bg->work);
	return bg;
}

/**
 * dm_rq_fake_expect_waits - expect that something goes on waiting
 * @test: the test
 * @bg: what dm_rq_fake_start() returned
 *
 * Context: May sleep.
 */
void dm_rq_fake_expect_waits(struct kunit *test,
			     struct dm_rq_fake_background *bg)
{
	fsleep(FAKE_ABSENCE_MS * USEC_PER_MSEC);
	KUNIT_EXPECT_FALSE(test, completion_done(&bg->done));
}

/**
 * dm_rq_fake_finish - wait until something is done
 * @test: the test, which fails if it takes too long
 * @bg: what dm_rq_fake_start() returned
 *
 * Context: May sleep.
 * Return: what the function returned.
 */
int dm_rq_fake_finish(struct kunit *test, struct dm_rq_fake_background *bg)
{
	unsigned long left;

	left = wait_for_completion_timeout(&bg->done,
					   msecs_to_jiffies(FAKE_PATIENCE_MS));
	KUNIT_ASSERT_NE_MSG(test, left, 0, "it waits for ever");
	flush_work(&bg->work);
	return bg->r;
}
