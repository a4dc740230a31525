/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Barriers for request-based device-mapper are written for the newest kernel
 * that they support, which does not have this file.  It makes older ones look
 * like that.  They include it from dm-core.h.
 */

#ifndef DM_RQ_COMPAT_H
#define DM_RQ_COMPAT_H

/*
 * An end_io does not hear which batch a request is completed in before 7.0.
 * Definitions and calls go through these, pointers do not.
 */
#define flush_clone_end_io(rq, status, iob)	flush_clone_end_io(rq, status)
#define fua_end_io(rq, status, iob)		fua_end_io(rq, status)
#define rq_ended(rq, status, iob)		rq_ended(rq, status)

#endif
