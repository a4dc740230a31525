#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fairness.sh LOAD SEED MILLISECONDS: what a storm of flushes does to others, in
# the modes none and drain_flush.  8 writers, 2 readers and 2 loops of write and
# fdatasync, all by the program LOAD (dm-rq-load), go to request-based multipath
# on a disk on which everything takes 100 us, flushes as well.
#
# To be run in user-mode Linux with time-travel=inf-cpu: time passes only while
# all wait, so that each run gives the same figures, to the nanosecond.
#
# Lines of output: "load mode=MODE seed=SEED" with a line of LOAD, and
# "gate mode=MODE seed=SEED" with the longest drain and the longest round.

export DEMO=1	# a failure ends it
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

LOAD=$1
SEED=$2
MILLISECONDS=$3
DISK=${NAME}n0
DEVICE_NS=100000

# The kernel's trace must be complete, as the longest may be anywhere in it.
complete_trace() {
	grep -qx 'overrun: 0' "$TRACE/per_cpu/cpu0/stats" ||
		bail_out "the trace is not complete"
}

# longest EVENT: the greatest ns= of such events, 0 if there are none.
longest() {
	trace_lines | awk -v event="dm_rq_barrier_$1:" '
		index($0, event) && match($0, / ns=[0-9]+/) {
			ns = substr($0, RSTART + 4, RLENGTH - 4) + 0
			if (ns > most)
				most = ns
		}
		END { printf "%d\n", most }'
}

# load_in MODE
load_in() {
	local label="mode=$1 seed=$SEED" line

	set_default_mode "$1"
	make_cached_nullb "$DISK" irqmode=2 "completion_nsec=$DEVICE_NS"
	make_mpath "$NAME" "" "$DISK"
	expect_match "mode" "$(show_mode)" "\[$1\]"
	trace_start dm_rq_barrier
	"$LOAD" -w 8 -r 2 -f 2 -t "$MILLISECONDS" -s "$SEED" "$DMDEV" \
		>"$WORK/load" || bail_out "the load failed"
	trace_stop
	complete_trace
	while IFS= read -r line; do
		echo "load $label $line"
	done <"$WORK/load"
	echo "gate $label longest_drain_ns=$(longest drained)" \
		"longest_round_ns=$(longest round_end) rounds=$(stat rounds)"
	forget_dm "$NAME"
	remove_nullb "$DISK"
}

mkdir "$TRACE" || bail_out "no tracing instances"
at_exit remove_trace
echo 16384 >"$TRACE/buffer_size_kb" || bail_out "no room for a trace"
load_in none
load_in drain_flush
