/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dm_rq_barrier

#if !defined(_TRACE_DM_RQ_BARRIER_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_DM_RQ_BARRIER_H

#include <linux/device-mapper.h>
#include <linux/tracepoint.h>

/* Room for the longest word that is traced, "drain_flush" */
#define DM_RQ_BARRIER_WORD	12

#define show_dm_endio(verdict)					\
	__print_symbolic(verdict,				\
			 { DM_ENDIO_DONE,		"done" },	\
			 { DM_ENDIO_REQUEUE,		"requeue" },	\
			 { DM_ENDIO_DELAY_REQUEUE,	"delay" })

/*
 * In all events dev is the mapped device and path the device that a clone goes
 * to, 0,0 if there is none; errors are negative errno values; times are in
 * nanoseconds unless the name says otherwise.
 */

TRACE_EVENT(dm_rq_barrier_round_start,
	    TP_PROTO(dev_t dev, unsigned int requests),
	    TP_ARGS(dev, requests),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(unsigned int, requests)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->requests = requests;
	    ),
	    TP_printk("%d,%d requests=%u", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->requests)
);

TRACE_EVENT(dm_rq_barrier_map,
	    TP_PROTO(dev_t dev, dev_t path, const char *outcome),
	    TP_ARGS(dev, path, outcome),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(dev_t, path)
			     __array(char, outcome, DM_RQ_BARRIER_WORD)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->path = path;
			   strscpy(__entry->outcome, outcome,
				   DM_RQ_BARRIER_WORD);
	    ),
	    TP_printk("%d,%d path=%d,%d %s", MAJOR(__entry->dev),
		      MINOR(__entry->dev), MAJOR(__entry->path),
		      MINOR(__entry->path), __entry->outcome)
);

TRACE_EVENT(dm_rq_barrier_clone_end,
	    TP_PROTO(dev_t dev, dev_t path, int error, int verdict),
	    TP_ARGS(dev, path, error, verdict),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(dev_t, path)
			     __field(int, error)
			     __field(int, verdict)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->path = path;
			   __entry->error = error;
			   __entry->verdict = verdict;
	    ),
	    TP_printk("%d,%d path=%d,%d error=%d %s", MAJOR(__entry->dev),
		      MINOR(__entry->dev), MAJOR(__entry->path),
		      MINOR(__entry->path), __entry->error,
		      show_dm_endio(__entry->verdict))
);

TRACE_EVENT(dm_rq_barrier_round_end,
	    TP_PROTO(dev_t dev, unsigned int requests, unsigned int clones,
		     int error, u64 ns),
	    TP_ARGS(dev, requests, clones, error, ns),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(unsigned int, requests)
			     __field(unsigned int, clones)
			     __field(int, error)
			     __field(u64, ns)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->requests = requests;
			   __entry->clones = clones;
			   __entry->error = error;
			   __entry->ns = ns;
	    ),
	    TP_printk("%d,%d requests=%u clones=%u error=%d ns=%llu",
		      MAJOR(__entry->dev), MINOR(__entry->dev),
		      __entry->requests, __entry->clones, __entry->error,
		      __entry->ns)
);

TRACE_EVENT(dm_rq_barrier_requeue,
	    TP_PROTO(dev_t dev, unsigned int requests, unsigned int delay_ms),
	    TP_ARGS(dev, requests, delay_ms),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(unsigned int, requests)
			     __field(unsigned int, delay_ms)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->requests = requests;
			   __entry->delay_ms = delay_ms;
	    ),
	    TP_printk("%d,%d requests=%u delay_ms=%u", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->requests, __entry->delay_ms)
);

TRACE_EVENT(dm_rq_barrier_fua,
	    TP_PROTO(dev_t dev, dev_t path, sector_t sector,
		     unsigned int sectors),
	    TP_ARGS(dev, path, sector, sectors),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(dev_t, path)
			     __field(sector_t, sector)
			     __field(unsigned int, sectors)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->path = path;
			   __entry->sector = sector;
			   __entry->sectors = sectors;
	    ),
	    TP_printk("%d,%d path=%d,%d %llu + %u", MAJOR(__entry->dev),
		      MINOR(__entry->dev), MAJOR(__entry->path),
		      MINOR(__entry->path), (unsigned long long)__entry->sector,
		      __entry->sectors)
);

TRACE_EVENT(dm_rq_barrier_mode,
	    TP_PROTO(dev_t dev, const char *from, const char *to),
	    TP_ARGS(dev, from, to),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __array(char, from, DM_RQ_BARRIER_WORD)
			     __array(char, to, DM_RQ_BARRIER_WORD)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   strscpy(__entry->from, from, DM_RQ_BARRIER_WORD);
			   strscpy(__entry->to, to, DM_RQ_BARRIER_WORD);
	    ),
	    TP_printk("%d,%d %s -> %s", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->from, __entry->to)
);

TRACE_EVENT(dm_rq_barrier_gate_close,
	    TP_PROTO(dev_t dev, u64 sequence),
	    TP_ARGS(dev, sequence),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u64, sequence)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->sequence = sequence;
	    ),
	    TP_printk("%d,%d sequence=%llu", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->sequence)
);

TRACE_EVENT(dm_rq_barrier_drain,
	    TP_PROTO(dev_t dev, unsigned long writes),
	    TP_ARGS(dev, writes),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(unsigned long, writes)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->writes = writes;
	    ),
	    TP_printk("%d,%d writes=%lu", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->writes)
);

TRACE_EVENT(dm_rq_barrier_drained,
	    TP_PROTO(dev_t dev, u64 ns),
	    TP_ARGS(dev, ns),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u64, ns)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->ns = ns;
	    ),
	    TP_printk("%d,%d ns=%llu", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->ns)
);

TRACE_EVENT(dm_rq_barrier_hold,
	    TP_PROTO(dev_t dev, const char *what, sector_t sector,
		     unsigned int sectors, unsigned int held),
	    TP_ARGS(dev, what, sector, sectors, held),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __array(char, what, DM_RQ_BARRIER_WORD)
			     __field(sector_t, sector)
			     __field(unsigned int, sectors)
			     __field(unsigned int, held)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   strscpy(__entry->what, what, DM_RQ_BARRIER_WORD);
			   __entry->sector = sector;
			   __entry->sectors = sectors;
			   __entry->held = held;
	    ),
	    TP_printk("%d,%d %s %llu + %u held=%u", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->what,
		      (unsigned long long)__entry->sector, __entry->sectors,
		      __entry->held)
);

TRACE_EVENT(dm_rq_barrier_release,
	    TP_PROTO(dev_t dev, unsigned int writes, unsigned int held),
	    TP_ARGS(dev, writes, held),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(unsigned int, writes)
			     __field(unsigned int, held)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->writes = writes;
			   __entry->held = held;
	    ),
	    TP_printk("%d,%d writes=%u held=%u", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->writes, __entry->held)
);

TRACE_EVENT(dm_rq_barrier_io,
	    TP_PROTO(dev_t dev, sector_t sector, unsigned int sectors),
	    TP_ARGS(dev, sector, sectors),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(sector_t, sector)
			     __field(unsigned int, sectors)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->sector = sector;
			   __entry->sectors = sectors;
	    ),
	    TP_printk("%d,%d %llu + %u", MAJOR(__entry->dev),
		      MINOR(__entry->dev), (unsigned long long)__entry->sector,
		      __entry->sectors)
);

TRACE_EVENT(dm_rq_barrier_io_end,
	    TP_PROTO(dev_t dev, sector_t sector, unsigned int sectors,
		     int error, bool owed),
	    TP_ARGS(dev, sector, sectors, error, owed),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(sector_t, sector)
			     __field(unsigned int, sectors)
			     __field(int, error)
			     __field(bool, owed)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->sector = sector;
			   __entry->sectors = sectors;
			   __entry->error = error;
			   __entry->owed = owed;
	    ),
	    TP_printk("%d,%d %llu + %u error=%d owed=%d", MAJOR(__entry->dev),
		      MINOR(__entry->dev), (unsigned long long)__entry->sector,
		      __entry->sectors, __entry->error, __entry->owed)
);

TRACE_EVENT(dm_rq_barrier_gate_open,
	    TP_PROTO(dev_t dev, u64 sequences, u64 ns),
	    TP_ARGS(dev, sequences, ns),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u64, sequences)
			     __field(u64, ns)
	    ),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->sequences = sequences;
			   __entry->ns = ns;
	    ),
	    TP_printk("%d,%d sequences=%llu ns=%llu", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->sequences, __entry->ns)
);

#endif /* _TRACE_DM_RQ_BARRIER_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
