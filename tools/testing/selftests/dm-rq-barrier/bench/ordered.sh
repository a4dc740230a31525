#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# ordered.sh STREAM SEED MILLISECONDS [THINK...]: what it costs to write in order.
# The program STREAM (dm-rq-stream) writes batches, on a disk that takes 100 us: on
# a kernel without the series it waits for everything, in each setup (lib-bench.sh),
# on one with it also for less, in drain_flush.  It thinks for up to THINK (31)
# microseconds before each write.
#
# Lines of output: "stream setup=SETUP order=ORDER think_us=N seed=SEED" with the
# line of STREAM.  A batch that was not written in its place is a failure: the
# disk's trace is looked at.

# shellcheck source=lib-bench.sh
. "$(dirname "$0")/lib-bench.sh"

THINKS=("${@:4}")

setups() {
	if kernel_has_barriers; then
		echo drain_flush:wait drain_flush:barrier drain_flush:none
	else
		echo raw:wait bio:wait stock:wait
	fi
}

# judge: "in order", if between two flushes the disk has the writes of one batch,
# all of which have ended when the second one is sent, or what is not so.
judge() {
	trace_lines | awk -v blocks="$(($(sectors_of "$DISK") / 8))" \
		-v dev="$(dev_of "$DISK" | tr : ,)" '
	function say(what) {
		printf "%s, batch %d: %s\n", what, flushes, $0
		bad = 1
		exit
	}

	match($0, "block_rq_(issue|complete): " dev " ") {
		issue = substr($0, RSTART + 9, 5) == "issue"
		rest = substr($0, RSTART + RLENGTH)
		split(rest, word, " ")
		flush = word[1] ~ /^F/
		match(rest, /\) [0-9]+ [+] [0-9]+/)
		split(substr(rest, RSTART + 2, RLENGTH - 2), range, " ")
		if (flush && issue) {
			if (in_flight || written != 32)
				say("a flush after " written " writes")
			written = 0
			flushing = 1
		} else if (flush) {
			flushing = 0
			flushes++
		} else if (issue) {
			if (flushing)
				say("a write during a flush")
			batch = int(range[1] / 8 / 32)
			if (batch != flushes % (blocks / 32))
				say("a write of batch " batch)
			written += range[3] / 8
			in_flight++
		} else if (range[3]) {	# or else what asked for a flush
			in_flight--
		}
	}

	END {
		if (!bad)
			print flushes ? "in order" : "no flush was seen"
	}'
}

# stream SETUP ORDER THINK
stream() {
	local why

	make_bench_device "$1" 100000
	trace_start block:block_rq_issue block:block_rq_complete
	run_program "stream setup=$1 order=$2 think_us=$3 seed=$SEED" \
		-o "$2" -k "$3" -t "$MILLISECONDS"
	trace_stop
	complete_trace
	why=$(judge)
	[[ $why == "in order" ]] || bail_out "$1, $2: not in order: $why"
	remove_bench_device "$1"
}

((${#THINKS[@]})) || THINKS=(31)
large_trace
for think in "${THINKS[@]}"; do
	for setup in $(setups); do
		stream "${setup%:*}" "${setup#*:}" "$think"
	done
done
