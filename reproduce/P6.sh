#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P6: a flush is over while a write that came before it is still in flight, and a
# write that comes after it is over before it.
#
# The first request is stopped on one path, and the other one could go its way on
# the other path.  What is told is the order in which they end.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The line of the trace in which a request of that kind ends
end_of() {
	line_of "block_rq_complete: $(numbers_of "$DM") $1"
}

# start_and_stop COMMAND...: it is in flight on path A; FIRST is the process.
start_and_stop() {
	echo >"$TRACE/trace"
	stop_next_at a
	"$@" &
	FIRST=$!
	wait_for 30 trace_has "block_rq_issue: $(numbers_of "$A") " ||
		bail_out "nothing in flight on path $A"
	next_at b
}

# second COMMAND...: has its chance to overtake; both end.
second() {
	"$@" &
	wait_for "$PATIENCE" process_ended $!
	go_on "$STOPPED"
	expect_exit "the first" "$FIRST" 0
	expect_exit "the second" "$!" 0
}

# overtaken FIRST SECOND: kinds of requests
overtaken() {
	(($(end_of "$2") < $(end_of "$1")))
}

make_loops 1 16
make_two_paths "${LOOP_PATHS[0]}"
make_dm "$NAME" "$(stepwise_table)"
trace_start block:block_rq_issue block:block_rq_complete
start_and_stop write_block A 1
second flush_dm
covered=$(yes_no overtaken W FF)
start_and_stop flush_dm
second write_block B 2
kept=$(yes_no overtaken FF W)
trace_stop
verdict "a flush ends before a write that it has to cover: $covered; a later write before the flush: $kept" \
	test "$covered$kept" != nono
