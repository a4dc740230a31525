/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The monitor dm_rq_seq is written for the newest kernel that is supported,
 * which has its own rv_trace.h in this place.  This one makes older kernels look
 * like that to it.
 */

#ifndef RV_TRACE_COMPAT_H
#define RV_TRACE_COMPAT_H

#include <linux/kernel.h>
#include <linux/rv.h>
#include <linux/slab.h>
#include <linux/stdarg.h>

#include <trace/events/rv.h>

/* Point releases have got it. */
#ifndef kzalloc_obj
#define kzalloc_obj(object)	kzalloc(sizeof(object), GFP_KERNEL)
#endif

/* There are no monitors within monitors. */
#define rv_register_monitor(monitor, parent)	rv_register_monitor(monitor)

/* A reactor gets a text and not a format with its arguments. */
static __printf(2, 3) inline void rv_react(struct rv_monitor *monitor,
					   const char *format, ...)
{
#ifdef CONFIG_RV_REACTORS
	char text[128];
	va_list args;

	if (!rv_reacting_on() || !monitor->react)
		return;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	monitor->react(text);
#endif
}

/* Definitions of the suite's reactor go through this, pointers do not. */
#define listen(format, args)						\
listen_va(const char *, va_list);					\
static __printf(1, 2) void listen_to(const char *text, ...)		\
{									\
	va_list va;							\
									\
	va_start(va, text);						\
	listen_va(text, va);						\
	va_end(va);							\
}									\
									\
static void listen(char *text)						\
{									\
	listen_to("%s", text);						\
}									\
									\
static void listen_va(format, args)

#endif
