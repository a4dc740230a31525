#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by latency.sh, fairness.sh and ordered.sh, with their arguments: what
# they have in common.  All run in user-mode Linux with time-travel=inf-cpu: time
# passes only while all wait, so that each run gives the same figures, to the
# nanosecond.  Their disk is one on which everything takes as long, flushes as
# well.
#
# A setup is the disk itself, "raw", bio-based multipath on it, "bio", request-based
# multipath of a kernel without the series, "stock", or else an ordered mode.

export DEMO=1		# a failure ends it
export ANY_KERNEL=1	# that may be stock
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

export PROGRAM=$1	# which works on the disk
export SEED=$2
export MILLISECONDS=$3
DISK=${NAME}n0

# make_bench_device SETUP NANOSECONDS: what everything takes.  DMDEV is what the
# program has to work on.
make_bench_device() {
	local table

	make_cached_nullb "$DISK" irqmode=2 "completion_nsec=$2"
	case $1 in
	raw)
		DMDEV=/dev/$DISK
		;;
	bio)
		table=$(rq_table "" "$DISK")
		make_dm "$NAME" "${table/queue_mode mq/queue_mode bio}"
		;;
	stock)
		make_mpath "$NAME" "" "$DISK"
		;;
	*)
		set_default_mode "$1"
		make_mpath "$NAME" "" "$DISK"
		expect_match "mode" "$(show_mode)" "\[$1\]"
		;;
	esac
}

# remove_bench_device SETUP
remove_bench_device() {
	[[ $1 == raw ]] || forget_dm "$NAME"
	remove_nullb "$DISK"
}

# run_program LABEL ARGUMENTS...: its lines, with that label
run_program() {
	local line

	"$PROGRAM" "${@:2}" -s "$SEED" "$DMDEV" >"$WORK/program" ||
		bail_out "the program failed"
	while IFS= read -r line; do
		echo "$1 $line"
	done <"$WORK/program"
}

# The kernel's trace must be complete, as what is looked for may be anywhere in it.
large_trace() {
	mkdir "$TRACE" || bail_out "no tracing instances"
	at_exit remove_trace
	echo 16384 >"$TRACE/buffer_size_kb" || bail_out "no room for a trace"
}

complete_trace() {
	grep -qx 'overrun: 0' "$TRACE/per_cpu/cpu0/stats" ||
		bail_out "the trace is not complete"
}
