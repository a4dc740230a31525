#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fairness.sh LOAD SEED MILLISECONDS: what a storm of flushes does to others, in
# the modes none and drain_flush.  8 writers, 2 readers and 2 loops of write and
# fdatasync, all by the program LOAD (dm-rq-load), go to request-based multipath
# on a disk on which everything takes 100 us, flushes as well.
#
# Lines of output: "load mode=MODE seed=SEED" with a line of LOAD, and
# "gate mode=MODE seed=SEED" with the longest drain and the longest round.

# shellcheck source=lib-bench.sh
. "$(dirname "$0")/lib-bench.sh"

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
	local label="mode=$1 seed=$SEED"

	make_bench_device "$1" 100000
	trace_start dm_rq_barrier
	run_program "load $label" -w 8 -r 2 -f 2 -t "$MILLISECONDS"
	trace_stop
	complete_trace
	echo "gate $label longest_drain_ns=$(longest drained)" \
		"longest_round_ns=$(longest round_end) rounds=$(stat rounds)"
	remove_bench_device "$1"
}

large_trace
load_in none
load_in drain_flush
