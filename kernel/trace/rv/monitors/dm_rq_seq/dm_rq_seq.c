// SPDX-License-Identifier: GPL-2.0
/*
 * dm_rq_seq: is an ordered sequence of request-based device-mapper what it has
 * to be?  A monitor of the rules of drivers/md/dm-rq-ordered.c, fed by the
 * tracepoints of dm_rq_barrier.  For what the states and the events mean, see
 * Documentation/trace/rv/monitor_dm_rq_seq.rst.
 *
 * The model, dm_rq_seq.h, is made by rvgen of
 * tools/verification/models/dm_rq_seq.dot.  Do not edit it.
 *
 * Per-device automata.  Those per object that the framework has hold a state and
 * no more, and are made when the first event comes.  Here what is counted goes
 * with the state, under one lock, so this has an automaton of its own for each
 * mapped device, found by its number.  A class interface of the block layer
 * tells of the devices that are there when the monitor is enabled, and of those
 * that come and go while it is.  So all is allocated where sleeping is allowed,
 * and a device that gets the number of one that was removed has an automaton of
 * its own.
 *
 * Order.  The events of a device come from several CPUs, and the automaton is
 * protected by a lock.  Those of gate and line are emitted under
 * dm_rq_barrier.lock, and those of rounds by kdmflush, which moves the line, so
 * that they are seen in the order in which they happened.  Three are not:
 *
 * - The end of a barrier I/O is said before the sequencer counts it, so nobody
 *   acts on it before it is seen.
 * - That a FUA write becomes a write and a flush (dm-rq-fua.c) is said before
 *   it is issued, so before it ends, and before anybody relies on its end.
 * - A mode is said after the gate follows it.  A gate that opens may already be
 *   off.  The model does not know before it sees the mode, and is in "doubt" if
 *   it sees what is right for a gate that is off only.  A gate is not closed
 *   before it was on again, and it is not switched on again before the first
 *   switch is through and its mode was seen.  So a gate that closes ends the
 *   doubt: the mode had not been switched.
 *
 * Counting.  An automaton does not count.  Here barrier I/Os in flight are
 * counted, and the model is told which one is the last, and whether any of them
 * is owed a post-flush.  If a post-flush fails, those that it was for fail too;
 * if it was "a flush in the way", the others wait for the next one.  No event
 * tells which, until the next drain.
 *
 * Rounds that are none of the sequence's.  A round serves FUA writes too, and
 * flush requests that mode flush left over when the mode was switched to
 * drain_flush.  They end before the drain is over, or are barrier I/Os, so when
 * there may be any is known, see @stray.
 *
 * When nothing is known of a device, because it was there before the monitor,
 * the monitor was reset, or found an error, it waits until the gate is closed:
 * then no round of a sequence runs, and no barrier I/O is in flight.  It does
 * the same if the flush requests of several hardware queues have to repeat
 * their round: they come back one by one, each with a round and barrier I/Os of
 * its own.
 */

#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/rv.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>
#include <rv/instrumentation.h>

#include <trace/events/dm_rq_barrier.h>
#include <rv_trace.h>

#include "dm_rq_seq.h"

static struct rv_monitor rv_dm_rq_seq;

/* Has barrier I/O ended that waits for a post-flush? */
enum seq_owed { OWED_NOTHING, OWED_PERHAPS, OWED_SURELY };

/**
 * struct seq_device - what is known of a mapped device
 * @lock: protects all but @dev; taken from hard IRQ
 * @monitoring: it is followed
 * @state: of the automaton
 * @dev: number of the device
 * @ios: barrier I/Os in flight
 * @owed: what is owed to those that have ended
 * @stray: a round that begins may be none of the sequence's
 * @own: the round that began last was the sequence's
 * @leaving: the mode is not drain_flush: the gate is off when it opens
 * @rcu: for freeing
 */
struct seq_device {
	raw_spinlock_t lock;	/* protects what is below */
	bool monitoring;
	enum states_dm_rq_seq state;
	dev_t dev;
	unsigned int ios;
	enum seq_owed owed;
	bool stray;
	bool own;
	bool leaving;
	struct rcu_head rcu;
};

/* By number; changed under the mutex of the block class only */
static DEFINE_XARRAY(devices);

/* --- the automaton of a device ------------------------------------------- */

static bool monitor_enabled(void)
{
	return rv_monitoring_on() && rv_dm_rq_seq.enabled;
}

static void stop(struct seq_device *d)
{
	d->monitoring = false;
	d->state = automaton_dm_rq_seq.initial_state;
}

static void start(struct seq_device *d)
{
	d->ios = 0;
	d->owed = OWED_NOTHING;
	d->stray = true;
	d->own = false;
	d->state = automaton_dm_rq_seq.initial_state;
	d->monitoring = true;
}

static void forget(struct seq_device *d)
{
	d->leaving = false;
	stop(d);
}

static bool step(struct seq_device *d, enum events_dm_rq_seq event)
{
	char *event_name = automaton_dm_rq_seq.event_names[event];
	char *state_name = automaton_dm_rq_seq.state_names[d->state];
	unsigned char next = automaton_dm_rq_seq.function[d->state][event];

	if (next == INVALID_STATE) {
		rv_react(&rv_dm_rq_seq,
			 "rv: monitor dm_rq_seq does not allow event %s on state %s of %u:%u\n",
			 event_name, state_name, MAJOR(d->dev), MINOR(d->dev));
		trace_error_dm_rq_seq(MINOR(d->dev), state_name, event_name);
		return false;
	}

	d->state = next;
	trace_event_dm_rq_seq(MINOR(d->dev), state_name, event_name,
			      automaton_dm_rq_seq.state_names[next],
			      automaton_dm_rq_seq.final_states[next]);
	return true;
}

static void feed(struct seq_device *d, enum events_dm_rq_seq event)
{
	if (!d->monitoring)
		return;

	if (!step(d, event))
		stop(d);
	else if (d->state == off_dm_rq_seq)
		d->stray = true;
}

/* --- from tracepoints to events ------------------------------------------ */

static void seen_gate_close(struct seq_device *d, int unused)
{
	if (!d->monitoring)
		start(d);
	feed(d, gate_close_dm_rq_seq);
}

static void seen_drain(struct seq_device *d, int unused)
{
	feed(d, drain_dm_rq_seq);
}

/* All writes have ended, and what the time before another mode left over. */
static void seen_drained(struct seq_device *d, int unused)
{
	d->stray = false;
	d->owed = OWED_NOTHING;
	feed(d, drained_dm_rq_seq);
}

static void seen_hold(struct seq_device *d, int unused)
{
	feed(d, hold_dm_rq_seq);
}

static void seen_release(struct seq_device *d, int unused)
{
	feed(d, release_dm_rq_seq);
}

static void seen_gate_open(struct seq_device *d, int unused)
{
	feed(d, d->leaving ? gate_off_dm_rq_seq : gate_open_dm_rq_seq);
}

static void seen_io(struct seq_device *d, int unused)
{
	/* The post-flush is over, and will not be repeated */
	if (d->state == post_flushed_dm_rq_seq)
		d->owed = OWED_NOTHING;

	d->ios++;
	feed(d, io_dm_rq_seq);
}

static void seen_io_end(struct seq_device *d, int owed)
{
	static const enum events_dm_rq_seq last[] = {
		[OWED_NOTHING] = io_last_dm_rq_seq,
		[OWED_PERHAPS] = io_perhaps_dm_rq_seq,
		[OWED_SURELY] = io_owed_dm_rq_seq,
	};

	if (owed)
		d->owed = OWED_SURELY;

	if (d->ios != 1) {
		/* If there is none the model knows */
		d->ios -= !!d->ios;
		feed(d, io_end_dm_rq_seq);
		return;
	}

	d->ios = 0;
	d->stray = false;
	feed(d, last[d->owed]);
}

static void seen_fua(struct seq_device *d, int unused)
{
	d->stray = true;
}

static void seen_round_start(struct seq_device *d, int unused)
{
	d->own = !d->stray;
	feed(d, d->own ? round_start_dm_rq_seq : stray_round_dm_rq_seq);
}

static void seen_round_end(struct seq_device *d, int error)
{
	if (!d->own)
		return;

	if (error && d->owed)
		d->owed = OWED_PERHAPS;
	feed(d, error ? round_error_dm_rq_seq : round_end_dm_rq_seq);
}

static void seen_requeue(struct seq_device *d, int requests)
{
	if (!d->own)
		return;

	if (requests > 1)
		stop(d);
	else
		feed(d, requeue_dm_rq_seq);
}

static void seen_mode(struct seq_device *d, int drain_flush)
{
	d->leaving = !drain_flush;
	feed(d, drain_flush ? mode_on_dm_rq_seq : mode_off_dm_rq_seq);
}

static void handle(dev_t dev, void (*seen)(struct seq_device *d, int detail),
		   int detail)
{
	struct seq_device *d;
	unsigned long flags;

	if (!monitor_enabled())
		return;

	rcu_read_lock();
	d = xa_load(&devices, dev);
	if (d) {
		raw_spin_lock_irqsave(&d->lock, flags);
		seen(d, detail);
		raw_spin_unlock_irqrestore(&d->lock, flags);
	}
	rcu_read_unlock();
}

static void handle_gate_close(void *data, dev_t dev, u64 sequence)
{
	handle(dev, seen_gate_close, 0);
}

static void handle_drain(void *data, dev_t dev, unsigned long writes)
{
	handle(dev, seen_drain, 0);
}

static void handle_drained(void *data, dev_t dev, u64 ns)
{
	handle(dev, seen_drained, 0);
}

static void handle_hold(void *data, dev_t dev, const char *what,
			sector_t sector, unsigned int sectors,
			unsigned int held)
{
	handle(dev, seen_hold, 0);
}

static void handle_release(void *data, dev_t dev, unsigned int writes,
			   unsigned int held)
{
	handle(dev, seen_release, 0);
}

static void handle_gate_open(void *data, dev_t dev, u64 sequences, u64 ns)
{
	handle(dev, seen_gate_open, 0);
}

static void handle_io(void *data, dev_t dev, sector_t sector,
		      unsigned int sectors)
{
	handle(dev, seen_io, 0);
}

static void handle_io_end(void *data, dev_t dev, sector_t sector,
			  unsigned int sectors, int error, bool owed)
{
	handle(dev, seen_io_end, owed);
}

static void handle_fua(void *data, dev_t dev, dev_t path, sector_t sector,
		       unsigned int sectors)
{
	handle(dev, seen_fua, 0);
}

static void handle_round_start(void *data, dev_t dev, unsigned int requests)
{
	handle(dev, seen_round_start, 0);
}

static void handle_round_end(void *data, dev_t dev, unsigned int requests,
			     unsigned int clones, int error, u64 ns)
{
	handle(dev, seen_round_end, error);
}

static void handle_requeue(void *data, dev_t dev, unsigned int requests,
			   unsigned int delay_ms)
{
	handle(dev, seen_requeue, requests);
}

static void handle_mode(void *data, dev_t dev, const char *from,
			const char *to)
{
	handle(dev, seen_mode, !strcmp(to, "drain_flush"));
}

/* --- devices come and go ------------------------------------------------- */

static bool is_mapped_device(struct device *dev)
{
	struct mapped_device *md;

	if (dev->type != &disk_type)
		return false;

	md = dm_get_md(dev->devt);
	if (md)
		dm_put(md);
	return md;
}

/*
 * Of a device that is made while the monitor is on all is known.  Without
 * memory it is not monitored.
 */
static int add_device(struct device *dev)
{
	struct seq_device *d;
	int r;

	if (!is_mapped_device(dev))
		return 0;

	d = kzalloc_obj(*d);
	if (!d)
		return -ENOMEM;

	raw_spin_lock_init(&d->lock);
	d->dev = dev->devt;
	forget(d);
	if (monitor_enabled())
		start(d);

	r = xa_insert(&devices, d->dev, d, GFP_KERNEL);
	if (r)
		kfree(d);
	return r;
}

static void remove_device(struct device *dev)
{
	struct seq_device *d;

	if (dev->type != &disk_type)
		return;

	d = xa_erase(&devices, dev->devt);
	if (d)
		kfree_rcu(d, rcu);
}

static struct class_interface devices_interface = {
	.class = &block_class,
	.add_dev = add_device,
	.remove_dev = remove_device,
};

/* --- the monitor --------------------------------------------------------- */

static void reset_dm_rq_seq(void)
{
	struct seq_device *d;
	unsigned long flags;
	unsigned long dev;

	rcu_read_lock();
	xa_for_each(&devices, dev, d) {
		raw_spin_lock_irqsave(&d->lock, flags);
		forget(d);
		raw_spin_unlock_irqrestore(&d->lock, flags);
	}
	rcu_read_unlock();
}

static int enable_dm_rq_seq(void)
{
	int r;

	r = class_interface_register(&devices_interface);
	if (r)
		return r;

	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_gate_close,
			      handle_gate_close);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_drain,
			      handle_drain);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_drained,
			      handle_drained);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_hold,
			      handle_hold);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_release,
			      handle_release);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_gate_open,
			      handle_gate_open);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_io,
			      handle_io);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_io_end,
			      handle_io_end);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_fua,
			      handle_fua);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_round_start,
			      handle_round_start);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_round_end,
			      handle_round_end);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_requeue,
			      handle_requeue);
	rv_attach_trace_probe("dm_rq_seq", dm_rq_barrier_mode,
			      handle_mode);

	return 0;
}

static void disable_dm_rq_seq(void)
{
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_gate_close,
			      handle_gate_close);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_drain,
			      handle_drain);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_drained,
			      handle_drained);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_hold,
			      handle_hold);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_release,
			      handle_release);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_gate_open,
			      handle_gate_open);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_io,
			      handle_io);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_io_end,
			      handle_io_end);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_fua,
			      handle_fua);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_round_start,
			      handle_round_start);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_round_end,
			      handle_round_end);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_requeue,
			      handle_requeue);
	rv_detach_trace_probe("dm_rq_seq", dm_rq_barrier_mode,
			      handle_mode);

	class_interface_unregister(&devices_interface);
}

static struct rv_monitor rv_dm_rq_seq = {
	.name = "dm_rq_seq",
	.description = "ordered sequences of request-based mapped devices.",
	.enable = enable_dm_rq_seq,
	.disable = disable_dm_rq_seq,
	.reset = reset_dm_rq_seq,
};

static int __init register_dm_rq_seq(void)
{
	return rv_register_monitor(&rv_dm_rq_seq, NULL);
}
device_initcall(register_dm_rq_seq);

#ifdef CONFIG_RV_MON_DM_RQ_SEQ_KUNIT_TEST
#include "dm_rq_seq_kunit.c"
#endif
