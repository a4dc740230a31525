// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk to measure flushes on, which behaves like one that is limited by its
 * medium: reads and writes take a fixed time, all that are there at once, but
 * it flushes its volatile cache once at a time.  A flush command that comes while
 * another is carried out waits for its turn.
 *
 * Disks that the kernel has do not: null_blk and scsi_debug carry out as many
 * flushes at a time as they are sent, each of which then costs nothing but its
 * own time, or one command at a time, whatever it is.
 *
 * Nothing is stored.
 *
 *	queues=N	hardware queues
 *	io_ns=N		what a read or a write takes
 *	flush_ns=N	what a flush takes
 *	flushes		how many flushes were carried out
 */

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/hrtimer.h>
#include <linux/module.h>

#define DISK_SECTORS	(64 * 2048)
#define DISK_DEPTH	256

static unsigned int queues = 1;
module_param(queues, uint, 0444);
MODULE_PARM_DESC(queues, "hardware queues");

static unsigned long io_ns = 100000;
module_param(io_ns, ulong, 0444);
MODULE_PARM_DESC(io_ns, "what a read or a write takes, in nanoseconds");

static unsigned long flush_ns = 1000000;
module_param(flush_ns, ulong, 0444);
MODULE_PARM_DESC(flush_ns, "what a flush takes, in nanoseconds");

static unsigned long flushes;
module_param(flushes, ulong, 0444);
MODULE_PARM_DESC(flushes, "how many flushes were carried out");

struct disk_cmd {
	struct hrtimer timer;
	struct list_head entry;
};

static struct blk_mq_tag_set set;
static struct gendisk *disk;
static DEFINE_SPINLOCK(lock);
/* Flushes, the first of which is carried out */
static LIST_HEAD(line);

static enum hrtimer_restart io_done(struct hrtimer *timer)
{
	struct disk_cmd *cmd = container_of(timer, struct disk_cmd, timer);

	blk_mq_complete_request(blk_mq_rq_from_pdu(cmd));
	return HRTIMER_NORESTART;
}

static void start(struct disk_cmd *cmd, unsigned long ns)
{
	hrtimer_start(&cmd->timer, ns_to_ktime(ns), HRTIMER_MODE_REL);
}

static void start_first(void)
{
	if (!list_empty(&line))
		start(list_first_entry(&line, struct disk_cmd, entry),
		      flush_ns);
}

static enum hrtimer_restart flush_done(struct hrtimer *timer)
{
	struct disk_cmd *cmd = container_of(timer, struct disk_cmd, timer);
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	flushes++;
	list_del(&cmd->entry);
	start_first();
	spin_unlock_irqrestore(&lock, flags);

	return io_done(timer);
}

static void queue_flush(struct disk_cmd *cmd)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&lock, flags);
	first = list_empty(&line);
	list_add_tail(&cmd->entry, &line);
	if (first)
		start_first();
	spin_unlock_irqrestore(&lock, flags);
}

static blk_status_t disk_queue_rq(struct blk_mq_hw_ctx *hctx,
				  const struct blk_mq_queue_data *bd)
{
	struct disk_cmd *cmd = blk_mq_rq_to_pdu(bd->rq);

	blk_mq_start_request(bd->rq);
	if (req_op(bd->rq) == REQ_OP_FLUSH) {
		hrtimer_setup(&cmd->timer, flush_done, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL);
		queue_flush(cmd);
	} else {
		hrtimer_setup(&cmd->timer, io_done, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL);
		start(cmd, io_ns);
	}
	return BLK_STS_OK;
}

static void disk_complete(struct request *rq)
{
	blk_mq_end_request(rq, BLK_STS_OK);
}

static const struct blk_mq_ops disk_mq_ops = {
	.queue_rq = disk_queue_rq,
	.complete = disk_complete,
};

static const struct block_device_operations disk_ops = {
	.owner = THIS_MODULE,
};

static int add_cached_disk(void)
{
	int r;

	disk->fops = &disk_ops;
	disk->flags |= GENHD_FL_NO_PART;
	strscpy(disk->disk_name, "bench", sizeof(disk->disk_name));
	set_capacity(disk, DISK_SECTORS);
	r = add_disk(disk);
	if (r)
		return r;

	__auto_type limits = queue_limits_start_update(disk->queue);

	limits.features |= BLK_FEAT_WRITE_CACHE;
	return queue_limits_commit_update(disk->queue, &limits);
}

static int __init disk_init(void)
{
	int r;

	set.ops = &disk_mq_ops;
	set.nr_hw_queues = queues;
	set.queue_depth = DISK_DEPTH;
	set.numa_node = NUMA_NO_NODE;
	set.cmd_size = sizeof(struct disk_cmd);
	set.flags = BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	r = blk_mq_alloc_tag_set(&set);
	if (r)
		return r;

	disk = blk_mq_alloc_disk(&set, NULL, NULL);
	if (IS_ERR(disk)) {
		blk_mq_free_tag_set(&set);
		return PTR_ERR(disk);
	}

	r = add_cached_disk();
	if (r) {
		put_disk(disk);
		blk_mq_free_tag_set(&set);
	}
	return r;
}
module_init(disk_init);

static void __exit disk_exit(void)
{
	del_gendisk(disk);
	put_disk(disk);
	blk_mq_free_tag_set(&set);
}
module_exit(disk_exit);

MODULE_DESCRIPTION("A disk that flushes its cache once at a time");
MODULE_LICENSE("GPL");
