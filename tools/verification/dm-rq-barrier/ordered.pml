/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Promela model of the ordered sequencer, drivers/md/dm-rq-ordered.c.
 *
 * spin visits all states of it, in a number of configurations.  Each MUT_ below
 * breaks it on purpose, in one line, and has to be found out: a model that passes
 * proves as much as it would have noticed.
 *
 * Processes, and the code that they stand for:
 *
 *   request        a write: an ordinary one, or one with REQ_PREFLUSH or
 *                  REQ_FUA on its way through block/blk-flush.c.  It, or its
 *                  data step, reaches dm in dm_rq_ordered_admit(), with
 *                  dm_rq_ordered_count() step by step, and ends in
 *                  dm_rq_ordered_end_request() or end_barrier_io().
 *   flush_request  what blk-flush has for dm, one per hardware queue, as it
 *                  arrives in admit_flush().
 *   kdmflush       dm_rq_barrier_work(): a round for what is pending, then
 *                  end_flush() or dm_rq_ordered_again() for each of it, then
 *                  dm_rq_ordered_advance() with next_turn(), next_sequence()
 *                  and drained().
 *   suspend        dm_suspend(), with noflush or without, then dm_resume().
 *   mode           away from drain_flush, and back: dm_rq_ordered_switch().
 *   memory         see below.
 *
 * Memory.  What is read without the lock (the counters, the gate, draining)
 * exists twice: as its writer sees it, and as the others do ("seen").  A store
 * gets from one to the other when its CPU executes a full barrier, or at any
 * other time.  That is a store buffer, and it is all that the barriers A and B
 * of dm-rq-ordered.c are there for.  A CPU's counters are added up one after the
 * other, while they change.  An atomic block with the guard !lock is a section
 * under dm_rq_barrier.lock.
 *
 * blk-flush is modelled to the letter where it decides when to issue a flush
 * request: one at a time for a hardware queue (its rule C1), not while a data
 * step is under way there (C2), or all the same if one is pending for too long
 * (C3, see TIMEOUTS); and it decides after each request that a flush request
 * served, not after the last one.
 *
 * The properties (G1, G2, G5 as in dm-rq-ordered.c):
 *
 *   G1     When a round starts no ordinary write is in flight, and those that
 *          reached dm before the flush request have ended.  A flush request is
 *          not completed before it had such a round.
 *   G2     A write that is mapped reached dm after no flush request whose
 *          sequence is not over, and no sequence is beyond its first round.
 *   ORDER  Writes that were held are mapped in the order in which they came.
 *   G5     Nothing is issued while the device is suspended, and a suspend
 *          without noflush leaves no barrier I/O without its post-flush.
 *   ends   Every request ends.  No state without a successor is left but the
 *          one where all have ended ("invalid end state"), and, in the
 *          configurations that are small enough to be searched for that too, no
 *          run goes on for ever ("non-progress cycle").
 *
 * Not modelled: reads, which are never looked at; tags; what targets and clones
 * do, of which the outcome is left (a write ends, or a path fails and it comes
 * back; a round succeeds, fails, or has to be repeated); statistics.
 *
 * Taken for granted: what is given back to the block layer comes again, as soon
 * as the requeue list is kicked and the queue is not stopped, and writes of one
 * hardware queue that are let go come in the order in which they were given
 * back.  The latter is not assumed, and ORDER not checked, with an ELEVATOR.
 */

/* Ordinary writes, writes with flushes, and hardware queues */
#ifndef WRITES
#define WRITES		1
#endif
#ifndef OPS
#define OPS		1
#endif
#ifndef QUEUES
#define QUEUES		1
#endif

/*
 * How often a path fails, a barrier I/O or a round fails, a round has to be
 * repeated, and C3 applies
 */
#ifndef FAILURES
#define FAILURES	0
#endif
#ifndef ERRORS
#define ERRORS		0
#endif
#ifndef REQUEUES
#define REQUEUES	0
#endif
#ifndef TIMEOUTS
#define TIMEOUTS	0
#endif

/* SUSPEND is */
#define NOFLUSH		1
#define PLAIN		2

/* A request is */
#define WRITE		0	/* ordinary */
#define FSYNC		1	/* an empty flush */
#define PREFLUSH	2	/* a write with REQ_PREFLUSH */
#define BARRIER_WRITE	3	/* a write with REQ_PREFLUSH and REQ_FUA */
#define FUA		4	/* a write with REQ_FUA */

/* Writes with flushes: what they are, and in which hardware queue */
#ifndef OP0
#define OP0		BARRIER_WRITE
#endif
#ifndef OP1
#define OP1		FSYNC
#endif
#ifndef OP2
#define OP2		FSYNC
#endif
#ifndef OP3
#define OP3		FSYNC
#endif
#ifndef QUEUE1
#define QUEUE1		0
#endif
#ifndef QUEUE2
#define QUEUE2		0
#endif

#define N		(WRITES + OPS)
#define kind(id) ((id) < WRITES -> WRITE : ((id) == WRITES -> OP0 : \
		  ((id) == WRITES + 1 -> OP1 : ((id) == WRITES + 2 -> OP2 : \
		   OP3))))
#define queue(id) ((id) == WRITES + 1 -> QUEUE1 : \
		   ((id) == WRITES + 2 -> QUEUE2 : 0))
#define is_write(id)	((id) < WRITES)
#define has_preflush(id) (!is_write(id) && kind(id) != FUA)
#define has_data(id)	(is_write(id) || kind(id) >= PREFLUSH)
#define has_post(id)	(!is_write(id) && kind(id) >= BARRIER_WRITE)

/* Sets */
#define BIT(n)		(1 << (n))
#define in(n, set)	(((set) >> (n)) & 1)
#define add(set, n)	set = set | BIT(n)
#define remove(set, n)	set = set & ~BIT(n)
#define ALL_WRITES	(BIT(WRITES) - 1)

/* --- the sequencer ------------------------------------------------------- */

/* dm_rq_target_io.ordered */
#define NONE		0
#define COUNTED		1
#define HELD		2
#define RETURNED	3
#define MEMBER		4
#define EXPECTED	5
#define BARRIER		6
#define OWED		7

byte state[N];			/* of requests */
byte flush_state[QUEUES];	/* of flush requests */

/* dm_rq_sequencer.gate */
#define OFF		0
#define OPEN		1
#define CLOSED		2

byte gate = OPEN, seen_gate = OPEN;
bool draining, seen_draining;
short count[2], seen_count[2];	/* md->pending_io of two CPUs */
bool lock;			/* if held for more than an atomic block */

/*
 * The line: requests by their number, flush requests by N and their queue.  One
 * that was taken out may come back to its place (G4); its entry remains, as no
 * more than that.
 */
chan fifo = [N + QUEUES] of { byte };
bool place[QUEUES];

byte flushes, expected, barriers, owed;
byte due_by[QUEUES], owed_by[QUEUES];	/* dm_rq_ordered_hw */
bool finishing, wake;

byte pending, batch;		/* queues with a flush for the next round, this */
bool work, busy;		/* dm_rq_barrier.work is queued, is running */

#ifdef MODE
bool switched;			/* the mode is not drain_flush */
bool uncounted;			/* writes may be in flight that are not counted */
#endif

/* --- the block layer ----------------------------------------------------- */

#define IN_PREFLUSH	1
#define IN_DATA		2
#define IN_POSTFLUSH	3
#define DONE		4

byte step[N];

#define IDLE		0
#define COMING		1
#define HERE		2

byte flush_rq[QUEUES];		/* where the flush request is */
byte flush_pending[QUEUES];	/* who waits for the next one */
byte flush_running[QUEUES];	/* whom it serves */
byte data_in_flight[QUEUES];

byte in_flight;			/* started */
byte dispatches;		/* queue_rq() calls in progress */
byte parked;			/* on the requeue list, which was not kicked */
bool stopped;			/* the queue is quiesced */
bool blocked;			/* DMF_BLOCK_IO_FOR_SUSPEND */

#define dispatched(n)	(!stopped && !blocked && !in(n, parked))

byte failures = FAILURES;
byte errors = ERRORS;
byte requeues = REQUEUES;
byte timeouts = TIMEOUTS;

/* --- what the properties are about --------------------------------------- */

byte entered;			/* reached dm for the first time */
byte reached;			/* the same, and was counted or held */
byte ended;			/* data was written */
byte ordinary;			/* ordinary writes in flight, or let go */
byte flushing;			/* their flush request reached dm */
byte begun;			/* the round of it began */
byte over;			/* its sequence is over */
byte written;			/* OWED when the round began */
byte after[N];			/* who was flushing as it reached dm */
byte before[N];			/* who had reached dm as its flush did */
byte waiting;			/* held, and not mapped since */
byte held_before[N];		/* who was waiting as it was held */
byte let_go_before[N];		/* who was waiting and let go as it was */
bool suspended;

/* Names for spin's messages */
hidden byte G1, G2, ORDER, G5;

hidden byte i, k, n, q, serving;

inline queue_work()
{
	work = true
}

inline kick_requeue_list()
{
	parked = 0
}

inline issue(id)
{
	assert(G5 || !suspended);
	add(in_flight, id)
}

inline map_write(id)
{
	assert(G2 || !(after[id] & ~over));
	assert(G2 || !(begun & ~over));
	assert(ORDER || !(held_before[id] & waiting));
	remove(waiting, id);
	after[id] = 0;
	held_before[id] = 0;
	let_go_before[id] = 0;
	issue(id)
}

/* --- blk-flush ----------------------------------------------------------- */

inline issue_flush(h)
{
	assert(flush_rq[h] == IDLE && flush_state[h] == NONE);
	flush_running[h] = flush_pending[h];
	flush_pending[h] = 0;
	flush_rq[h] = COMING;
	kick_requeue_list()
}

inline blk_kick_flush(h)
{
	if
	:: flush_running[h] || !flush_pending[h]	/* C1 */
	:: !flush_running[h] && flush_pending[h] && data_in_flight[h]	/* C2 */
	:: !flush_running[h] && flush_pending[h] && data_in_flight[h] &&
	   timeouts ->					/* C3 */
		timeouts--;
		issue_flush(h)
	:: !flush_running[h] && flush_pending[h] && !data_in_flight[h] ->
		issue_flush(h)
	fi
}

inline blk_insert_flush(id)
{
	if
	:: has_preflush(id) ->
		step[id] = IN_PREFLUSH;
		add(flush_pending[queue(id)], id);
		blk_kick_flush(queue(id))
	:: else ->
		step[id] = IN_DATA;
		data_in_flight[queue(id)]++
	fi
}

/* blk_mq_end_request(), which is mq_flush_data_end_io() for a data step */
inline end_data(id, failed)
{
	printf("request %d: data ends\n", id);
	remove(in_flight, id);
	remove(ordinary, id);
	add(ended, id);
	if
	:: is_write(id) ->
		step[id] = DONE
	:: else ->
		data_in_flight[queue(id)]--;
		if
		:: has_post(id) && !failed ->
			step[id] = IN_POSTFLUSH;
			add(flush_pending[queue(id)], id)
		:: else ->
			step[id] = DONE;
			add(over, id)
		fi;
		blk_kick_flush(queue(id))
	fi
}

/* The same for a flush request: flush_end_io() */
inline end_flush_request(h, failed)
{
	serving = flush_running[h];
	flush_running[h] = 0;
	flush_rq[h] = IDLE;
	do
	:: !serving -> break
	:: else ->
		/* as they were inserted, which may be in any order */
		i = WRITES;
		do
		:: in(i, serving) -> break
		:: i < N && (serving >> (i + 1)) -> i++
		od;
		remove(serving, i);
		if
		:: step[i] == IN_PREFLUSH && has_data(i) && !failed ->
			step[i] = IN_DATA;
			data_in_flight[h]++;
			kick_requeue_list()
		:: else ->
			step[i] = DONE;
			add(over, i)
		fi;
		blk_kick_flush(h)
	od
}

/* --- writes, and data steps ---------------------------------------------- */

inline count_admitted(id)
{
	printf("request %d: counted\n", id);
	state[id] = COUNTED;
	add(ordinary, id);
	add(reached, id);
	map_write(id)
}

inline join_line(id)
{
	printf("request %d: held\n", id);
	fifo!id;
	add(reached, id);
#ifdef ELEVATOR
	state[id] = RETURNED;
	add(parked, id)
#else
	state[id] = HELD;
	if
	:: is_write(id) ->
		held_before[id] = waiting;
		add(waiting, id)
	:: else
	fi
#endif
}

/* dm_rq_ordered_hw.flush */
#define flush_is_here(h) (flush_state[h] != NONE)

#define must_join(id)	(!is_write(id) && due_by[queue(id)] && \
			 !flush_is_here(queue(id)))

inline join_sequence(id)
{
	printf("request %d: joins the sequence\n", id);
#ifdef MUT_JOIN_ISSUED
	state[id] = BARRIER;
	barriers++;
#else
	state[id] = EXPECTED;
	expected++;
#endif
	due_by[queue(id)] = due_by[queue(id)] + has_post(id);
	after[id] = 0
}

/* kdmflush looks at the tags after a nap, as long as one is not counted. */
inline tags_changed(id)
{
	if
	:: state[id] == NONE -> queue_work()
	:: else
	fi
}

inline wake_finisher()
{
	if
#ifndef MUT_NO_WAKE
	:: finishing && !barriers && !owed -> wake = true
#endif
	:: else
	fi
}

proctype request(byte id)
{
	byte cpu;
	short sum;
	bool failed;

	atomic {
		/* ordinary writes are alike: let them arrive in one order */
		!is_write(id) || id == 0 || in(id - 1, entered) ->
		if
		:: is_write(id) -> step[id] = IN_DATA
		:: else -> blk_insert_flush(id)
		fi
	}
	if
	:: step[id] == IN_DATA
	:: step[id] == DONE -> goto done
	fi;

admit:
	/* dm_rq_ordered_admit() */
	if
	:: atomic {
		/* it is back because a path failed, or was let go */
		dispatched(id) && state[id] == COUNTED &&
		!(let_go_before[id] & waiting) ->
#ifdef MUT_HOLD_REQUEUED
		if
		:: seen_gate == CLOSED && !in(id, waiting) ->
			join_line(id);
			goto admit
		:: else
		fi;
#endif
		map_write(id);
		goto mapped
	   }
	:: atomic {
		dispatched(id) && state[id] == BARRIER ->
		issue(id);
		goto mapped
	   }
	:: atomic {
		/* admit_expected() */
		!lock && dispatched(id) && state[id] == EXPECTED &&
		!(finishing && !barriers && !owed) ->
		printf("request %d: barrier I/O\n", id);
#ifdef MUT_GAP_BEFORE
		expected++;
#endif
		expected--;
		barriers++;
		state[id] = BARRIER;
		issue(id);
		goto mapped
	   }
	:: atomic {
		!lock && dispatched(id) && state[id] == RETURNED ->
		add(parked, id);
		goto admit
	   }
	:: atomic {
		dispatched(id) && state[id] == NONE ->
		dispatches++;
		add(entered, id);
		after[id] = (seen_gate == CLOSED -> flushing & ~over : 0);
#ifdef MODE
		if
		:: seen_gate == OFF -> goto not_counted
		:: else
		fi;
#endif
		/* dm_rq_ordered_count(): without preemption, so on one CPU */
		if
		:: cpu = 0
		:: cpu = 1
		fi;
		count[cpu]++
	   }
	fi;

	atomic {
#ifndef MUT_NO_BARRIER_ADMIT
		seen_count[cpu] = count[cpu];		/* A */
#endif
		if
		:: seen_gate == OPEN ->
			cpu = 0;
			dispatches--;
			count_admitted(id);
			goto mapped
		:: else
		fi;
#ifdef MUT_UNCOUNT_ELSEWHERE
		cpu = 1 - cpu;
#endif
		count[cpu]--
	}
#ifndef MUT_NO_RECHECK
	atomic {
		/* dm_rq_ordered_uncount() */
		seen_count[cpu] = count[cpu];		/* B */
		if
		:: seen_draining -> sum = seen_count[0]
		:: else -> goto stopped_write
		fi
	}
	atomic {
		sum = sum + seen_count[1];
		if
		:: !sum -> queue_work()
		:: else -> sum = 0
		fi
	}
#endif

stopped_write:
	atomic {
		/* admit_new_write() */
		!lock ->
		cpu = 0;
		dispatches--;
		if
#ifdef MODE
		:: gate == OFF ->
			map_write(id);
			goto mapped
#endif
#ifndef MUT_GATE_ONCE
		:: gate == OPEN ->
			count[0]++;
			seen_count[0]++;
			count_admitted(id);
			goto mapped
#endif
#ifndef MUT_HOLD_FUA
		:: gate == CLOSED && must_join(id) ->
			join_sequence(id)
#endif
		:: else ->
			join_line(id)
		fi;
		goto admit
	}

#ifdef MODE
not_counted:
	atomic {
		dispatches--;
		map_write(id)
	}
#endif

mapped:
	if
	:: skip
	:: atomic {
		errors && state[id] == BARRIER ->
		errors--;
		failed = true
	   }
	:: atomic {
		failures ->
		printf("request %d: its path failed\n", id);
		failures--;
		remove(in_flight, id);
		kick_requeue_list();
		tags_changed(id);
		goto admit
	   }
	fi;

	if
	:: atomic {
		state[id] == NONE ->
		end_data(id, false);
		tags_changed(id)
	   }
	:: atomic {
		/* dm_rq_ordered_end_request() */
		state[id] == COUNTED ->
		if
		:: cpu = 0
		:: cpu = 1
		fi;
#ifdef MUT_UNCOUNT_EARLY
		count[cpu]--
	   }
	   atomic {
		count[cpu]++;
#endif
		state[id] = NONE;
		end_data(id, false)
	   }
	   count[cpu]--;
	   atomic {
		/* dm_rq_ordered_uncount() */
#ifndef MUT_NO_BARRIER_END
		seen_count[cpu] = count[cpu];		/* B */
#endif
		cpu = 0;
		if
		:: seen_draining -> sum = seen_count[0]
		:: else -> goto post_flush
		fi
	   }
	   atomic {
		sum = sum + seen_count[1];
		if
#ifndef MUT_NO_END_KICK
		:: !sum -> queue_work()
#endif
		:: else -> sum = 0
		fi
	   }
	:: atomic {
		/* end_barrier_io() */
		!lock && state[id] == BARRIER ->
		if
		:: has_post(id) && !failed ->
			printf("request %d: owed\n", id);
			add(ended, id);
			state[id] = OWED;
			owed_by[queue(id)]++;
#ifndef MUT_GAP_AFTER
			owed++;
#endif
			barriers--;
			if
#ifndef MUT_NO_OWED_KICK
			:: flush_is_here(queue(id)) -> queue_work()
#endif
			:: else
			fi
		:: else ->
			state[id] = NONE;
			due_by[queue(id)] = due_by[queue(id)] - has_post(id)
		fi
	   }
	   atomic {
		end_data(id, failed);
		if
		:: has_post(id) && !failed -> goto post_flush
		:: else
		fi
	   }
	   atomic {
		/* drop_barrier_io() */
		!lock ->
		failed = false;
		barriers--;
		wake_finisher();
		queue_work()
	   }
	fi;

post_flush:
	step[id] == DONE;
done:
	skip
}

/* --- flush requests ------------------------------------------------------ */

/* Whom a flush request serves, except as the post-flush of the sequence */
#define starts_for(id, h) (in(id, flush_running[h]) && !in(id, over) && \
			   state[id] != OWED)

inline note_arrival(h)
{
	i = WRITES;
	do
	:: i < N && starts_for(i, h) ->
		add(flushing, i);
		before[i] = reached & ~ended;
		i++
	:: i < N && !starts_for(i, h) -> i++
	:: i == N -> break
	od
}

/* stop_request() */
inline stop_flush(h)
{
#ifdef ELEVATOR
	flush_state[h] = RETURNED;
	flush_rq[h] = COMING;
	add(parked, N + h)
#else
	flush_state[h] = HELD
#endif
}

inline stop_new_flush(h)
{
	k = (gate == OPEN || due_by[h]);
	if
	:: gate == OPEN ->
		printf("flush %d: closes the gate\n", h);
		gate = CLOSED
	:: else ->
		printf("flush %d: held\n", h)
	fi;
	fifo!(N + h);
#ifdef MUT_FLUSH_FIRST
	i = len(fifo);
	do
	:: i > 1 -> fifo?n; fifo!n; i--
	:: else -> break
	od;
#endif
	if
	:: k ->
		flush_state[h] = HELD;
		queue_work()
	:: else ->
		stop_flush(h)
	fi
}

proctype flush_request(byte h)
{
end:
	do
	:: atomic {
		/* admit_stopped_flush() */
		!lock && flush_rq[h] == COMING && dispatched(N + h) ->
		flush_rq[h] = HERE;
		if
		:: flush_state[h] == NONE && gate == OFF ->
			add(pending, h);
			queue_work()
		:: flush_state[h] == NONE && gate != OFF ->
			note_arrival(h);
			stop_new_flush(h)
		:: flush_state[h] == RETURNED ->
			stop_flush(h);
			if
			:: flush_state[h] == HELD -> queue_work()
			:: else
			fi
		:: flush_state[h] == MEMBER ->
			add(pending, h);
			queue_work()
		fi
	   }
	od
}

/* --- the line moves ------------------------------------------------------ */

/* There is no way back to a place that is first in line. */
inline forget_places()
{
	do
	:: nempty(fifo) ->
		fifo?<n>;
		if
		:: n >= N && place[n - N] ->
			fifo?n;
			place[n - N] = false
		:: else -> break
		fi
	:: empty(fifo) -> break
	od
}

inline take_flush(h)
{
	printf("flush %d: has its turn\n", h);
	if
	:: flush_state[h] == HELD ->
		add(pending, h);
		queue_work()
	:: else ->
		kick_requeue_list()
	fi;
	flush_state[h] = MEMBER;
	flushes++
}

inline take_flushes()
{
	forget_places();
	do
	:: nempty(fifo) ->
		fifo?<n>;
		if
		:: n >= N ->
			fifo?n;
			take_flush(n - N);
			forget_places()
		:: else -> break
		fi
	:: empty(fifo) -> break
	od
}

inline take_post_flushes()
{
	q = 0;
	do
	:: q < QUEUES && owed_by[q] ->
		place[q] = true;
		take_flush(q);
		q++
	:: q < QUEUES && !owed_by[q] -> q++
	:: q == QUEUES -> break
	od;
	take_flushes()
}

/* post_flushes_arrived(): k tells how many have not. */
inline count_missing()
{
	k = 0;
#ifdef MUT_AWAIT_POST_FLUSH
	i = WRITES;
	do
	:: i < N ->
		k = k + (state[i] == OWED && !in(i, flush_running[queue(i)]));
		i++
	:: else -> break
	od;
#endif
	q = 0;
	do
	:: q < QUEUES ->
		k = k + (owed_by[q] && !flush_is_here(q));
		q++
	:: else -> break
	od
}

inline let_go(id)
{
	printf("request %d: let go\n", id);
#if !defined(ELEVATOR) && !defined(MUT_ANY_ORDER)
	let_go_before[id] = waiting & ordinary;
#endif
	state[id] = COUNTED;
	add(ordinary, id);
	count[0]++;
	seen_count[0]++;
	add(parked, id);
#ifndef MUT_NO_REQUEUE_KICK
	kick_requeue_list()
#endif
}

inline let_writes_go()
{
	do
	:: nempty(fifo) ->
		fifo?<n>;
		if
		:: n < N ->
			fifo?n;
			let_go(n)
		:: else -> break
		fi
	:: empty(fifo) -> break
	od;
#ifdef MUT_LET_ALL_GO
	k = len(fifo);
	do
	:: k ->
		k--;
		fifo?n;
		if
		:: n < N -> let_go(n)
		:: else -> fifo!n
		fi
	:: else -> break
	od
#endif
}

#ifdef MODE
inline let_all_go()
{
	do
	:: nempty(fifo) ->
		let_writes_go();
		if
		:: nempty(fifo) ->
			fifo?n;
			flush_state[n - N] = NONE;
			flush_rq[n - N] = COMING;
			kick_requeue_list()
		:: empty(fifo)
		fi
	:: empty(fifo) -> break
	od;

	/* what they were promised is void */
	flushing = 0;
	n = 0;
	do
	:: n < N -> after[n] = 0; n++
	:: else -> break
	od
}
#endif

inline open_gate(how)
{
	/* seen at once: who finds it closed looks again under the lock */
	printf("the gate opens\n");
	gate = how;
	seen_gate = how;
	draining = false;
	seen_draining = false
}

/* --- rounds -------------------------------------------------------------- */

/* Does this round serve the flush request, or will it come back for it? */
#define is_its_round(h)	(flush_state[h] == MEMBER && !place[h])

inline start_round()
{
	printf("round: starts\n");
	batch = pending;
	pending = 0;
	assert(G5 || !suspended);
	i = WRITES;
	do
	:: i < N && state[i] == OWED ->
		add(written, i);
		i++
	:: i < N && in(i, flush_running[queue(i)]) && in(queue(i), batch) &&
	   starts_for(i, queue(i)) && is_its_round(queue(i)) ->
		assert(G1 || !(before[i] & ~ended));
		before[i] = 0;
		add(begun, i);
		i++
	:: else ->
		if
		:: i < N -> i++
		:: else -> break
		fi
	od;
	q = 0;
	do
	:: q < QUEUES ->
		assert(G1 || !in(q, batch) || flush_state[q] != MEMBER ||
		       !(ordinary | (in_flight & ALL_WRITES)));
		q++
	:: else -> break
	od
}

inline repeat_round()
{
	printf("round: has to be repeated\n");
	q = 0;
	do
	:: q < QUEUES ->
		flush_rq[q] = (in(q, batch) -> COMING : flush_rq[q]);
		q++
	:: else -> break
	od;
	batch = 0;
	written = 0;
	kick_requeue_list()
}

/*
 * A round that succeeds is the post-flush of all that its hardware queue owes,
 * also of what it does not serve, as blk-flush can issue no other one before it
 * has ended.  A round that fails is the end of what it serves.
 */
#define settles(id, h)	(queue(id) == h && state[id] == OWED && \
			 (!error || in(id, flush_running[h])))

inline settle_all(h)
{
	i = WRITES;
	do
	:: i < N && settles(i, h) ->
		printf("request %d: settled\n", i);
		assert(G2 || error || in(i, written));
		state[i] = NONE;
		due_by[h]--;
		owed_by[h]--;
#ifdef MUT_GAP_AFTER
		owed++;
#endif
		owed--;
		add(over, i);
		i++
	:: i < N && !settles(i, h) -> i++
	:: i == N -> break
	od
}

inline dm_rq_ordered_again(h)
{
	forget_places();
	k = 0;
	i = WRITES;
	do
	:: i < N -> k = k + starts_for(i, h); i++
	:: else -> break
	od;
#ifndef MUT_ONE_ROUND
	again = (k && place[h] && !error);
#endif
	if
	:: again ->
		printf("flush %d: comes again\n", h);
		place[h] = false;
		flush_state[h] = RETURNED;
		flush_rq[h] = COMING;
		flushes--;
		wake_finisher();
		kick_requeue_list()
	:: else
	fi
}

#define gets_data(id, h) (in(id, flush_running[h]) && \
			  step[id] == IN_PREFLUSH && has_data(id) && !error)

/* end_flush(), until it ends the request */
inline end_flush(h)
{
	printf("flush %d: ends\n", h);
	if
	:: place[h] ->
		place[h] = false;
		n = N + h;
		fifo??eval(n)
	:: else
	fi;
	i = WRITES;
	do
	:: i < N ->
		assert(G1 || error || !starts_for(i, h) || in(i, begun));
		if
		:: gets_data(i, h) ->
			state[i] = EXPECTED;
#ifndef MUT_GAP_BEFORE
			expected++;
#endif
			due_by[h] = due_by[h] + has_post(i)
		:: else
		fi;
		i++
	:: else -> break
	od;
	flush_state[h] = NONE
}

#define joins(id, h)	(queue(id) == h && must_join(id) && \
			 (state[id] == HELD || state[id] == RETURNED))

inline join_held(h)
{
	i = WRITES;
	do
	:: i < N && joins(i, h) ->
		fifo??eval(i);
		join_sequence(i);
		kick_requeue_list();
		i++
	:: i < N && !joins(i, h) -> i++
	:: i == N -> break
	od
}

/* --- kdmflush ------------------------------------------------------------ */

#define uncounted_in_flight() \
	(uncounted && (in_flight & ~ordinary & ALL_WRITES))

proctype kdmflush()
{
	byte h;
	short sum;
	bool error, again, member;

end:
	do
	:: atomic {
		/* dm_rq_barrier_work() */
		work ->
		work = false;
		busy = true;
		if
		:: pending -> start_round()
		:: else -> goto advance
		fi
	   }
	   if
	   :: skip
	   :: atomic {
		errors ->
		printf("round: fails\n");
		errors--;
		error = true
	      }
	   :: atomic {
		requeues ->
		requeues--;
		repeat_round();
		goto advance
	      }
	   fi;

	   do
	   :: atomic {
		h < QUEUES && !in(h, batch) ->
		h++
	      }
	   :: atomic {
		!lock && h < QUEUES && in(h, batch) ->
		remove(batch, h);
		member = (flush_state[h] == MEMBER);
		if
		:: member ->
			settle_all(h);
			dm_rq_ordered_again(h);
			if
			:: again ->
				again = false;
				goto next
			:: else -> end_flush(h)
			fi
		:: else		/* it came while the gate was off */
		fi
	      }
	      atomic {
		end_flush_request(h, error)
	      }
	      atomic {
		!lock ->
		if
		:: member ->
			flushes--;
			wake_finisher()
		:: else
		fi
	      }
	      atomic {
		!lock ->
#ifndef MUT_NO_JOIN_HELD
		join_held(h)
#endif
	      }
next:
	      skip
	   :: atomic {
		h == QUEUES ->
		h = 0;
		written = 0;
		error = false;
		member = false;
		break
	      }
	   od;

advance:
	   /* dm_rq_ordered_advance() */
	   if
#ifdef MUT_ADVANCE_SUSPENDED
	   :: gate != CLOSED -> goto out
#else
	   :: gate != CLOSED || blocked -> goto out
#endif
	   :: else
	   fi;
	   atomic {
		!lock ->
#ifdef MODE
		if
		:: uncounted_in_flight() -> goto out
		:: else -> uncounted = false
		fi;
#endif
		/* next_turn() */
		count_missing();
		if
		:: flushes || expected || barriers || k -> goto out
		:: else
		fi;
		if
		:: owed ->
			take_post_flushes();
			goto out
		:: else
		fi;

		/* next_sequence() */
#ifdef MODE
		if
		:: switched ->
			let_all_go();
			open_gate(OFF);
			goto out
		:: else
		fi;
#endif
		let_writes_go();
		if
		:: empty(fifo) ->
			open_gate(OPEN);
			goto out
		:: nempty(fifo)
		fi;

		/* drained() */
		lock = true;
		draining = true
	   }
	   atomic {
#ifndef MUT_NO_BARRIER_DRAIN
		seen_gate = gate;			/* A */
		seen_draining = draining;		/* B */
#endif
		sum = seen_count[0]
	   }
	   atomic {
		sum = sum + seen_count[1];
		if
		:: !sum ->
			draining = false;
			seen_draining = false;
			take_flushes()
		:: else ->
			sum = 0
		fi;
		lock = false
	   }
out:
	   busy = false
	od
}

/* --- the rest ------------------------------------------------------------ */

/* Stores get through some day, barrier or not. */
proctype memory()
{
end:
	do
	:: atomic {
		seen_count[0] != count[0] ->
		seen_count[0] = count[0]
	   }
	:: atomic {
		seen_count[1] != count[1] ->
		seen_count[1] = count[1]
	   }
	:: atomic {
		seen_gate != gate ->
		seen_gate = gate
	   }
	:: atomic {
		seen_draining != draining ->
		seen_draining = draining
	   }
	od
}

#ifdef SUSPEND
proctype suspend()
{
#if SUSPEND == PLAIN && !defined(MUT_NO_FINISH)
	/* dm_rq_ordered_finish() */
	do
	:: atomic {
		!lock ->
		finishing = true;
		wake = false;
		if
		:: barriers || owed
		:: else -> break
		fi
	   }
	   wake
	od;
#endif
	blocked = true;
	stopped = true;				/* dm_stop_queue() */
#ifndef MUT_NO_QUIESCE
	!dispatches;
#endif
	!work && !busy;				/* flush_workqueue() */
	atomic {
		/* dm_wait_for_completion() */
		!in_flight && !pending && !batch ->
		printf("suspended\n");
		suspended = true;
#if SUSPEND == PLAIN
		assert(G5 || !barriers && !owed)
#endif
	}
	atomic {
		/* dm_queue_flush() */
		printf("resume\n");
		suspended = false;
		blocked = false
	}
	atomic {
		/* dm_rq_ordered_resume() */
		!lock ->
		finishing = false;
#ifndef MUT_NO_RESUME_KICK
		queue_work()
#endif
	}
	atomic {
		/* dm_start_queue() */
		stopped = false;
		kick_requeue_list()
	}
}
#endif

#ifdef MODE
inline set_mode(is_switched)
{
	printf("the mode is switched\n");
	switched = is_switched;
	if
	:: gate == CLOSED
	:: else -> gate = (is_switched -> OFF : OPEN)
	fi;
	queue_work()
}

proctype mode()
{
	atomic {
		!lock ->
		set_mode(true)
	}
#ifdef MUT_SWITCH_RUNNING
	atomic {
		!lock ->
		set_mode(false)
	}
#endif
	stopped = true;				/* blk_mq_quiesce_queue() */
	!dispatches;
	atomic {
		!lock ->
		set_mode(false);
		seen_gate = gate;
#ifndef MUT_NO_UNCOUNTED
		uncounted = true
#endif
	}
	atomic {
		stopped = false;
		kick_requeue_list()
	}
}
#endif

init {
	atomic {
		run kdmflush();
		run memory();
#ifdef SUSPEND
		run suspend();
#endif
#ifdef MODE
		run mode();
#endif
		n = 0;
		do
		:: n < QUEUES -> run flush_request(n); n++
		:: else -> break
		od;
		n = 0;
		do
		:: n < N -> run request(n); n++
		:: else -> break
		od
	}
}
