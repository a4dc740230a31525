#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# latency.sh LOAD SEED MILLISECONDS: how long requests and suspends take, in each
# setup that the kernel has (lib-bench.sh).  The program LOAD is dm-rq-load.
#
#	alone	one loop of write and fdatasync, 100 us
#	storm	16 of them and 2 readers, 100 us
#	suspend	64 writers, 1 ms, while the device is suspended 8 times
#
# Lines of output: "alone setup=SETUP seed=SEED" with a line of LOAD, "storm ..."
# likewise, and "suspend setup=SETUP seed=SEED beyond_us=N": from the completion
# of the last write to the end of the suspend, summed up over all suspends.

# shellcheck source=lib-bench.sh
. "$(dirname "$0")/lib-bench.sh"

SUSPENDS=8

setups() {
	if kernel_has_barriers; then
		echo none flush drain_flush
	else
		echo raw bio stock
	fi
}

# load KIND SETUP THREADS...
load() {
	make_bench_device "$2" 100000
	run_program "$1 setup=$2 seed=$SEED" "${@:3}" -t "$MILLISECONDS"
	remove_bench_device "$2"
}

# beyond_us: from the last completion of the disk to the marker
beyond_us() {
	trace_lines | awk -v dev="block_rq_complete: $(dev_of "$DISK" | tr : ,) " '
	match($0, /[0-9]+[.][0-9]+: /) {
		us = substr($0, RSTART, RLENGTH - 2) * 1000000
		if (index($0, dev))
			last = us
		if (index($0, "suspended")) {
			printf "%d\n", us - last
			exit
		}
	}'
}

suspend_once() {
	trace_start block:block_rq_complete
	must dmsetup suspend "$NAME"
	echo suspended >"$TRACE/trace_marker"
	trace_stop
	beyond_us
	must dmsetup resume "$NAME"
}

# Moments differ by what a jiffy of user mode Linux takes, 10 ms, and a bit.
suspend_under_load() {
	local total=0 i us

	make_bench_device "$1" 1000000
	run_program "" -w 64 -t $((SUSPENDS * 40 + 100)) >"$WORK/load" &
	sleep 0.12
	for ((i = 0; i < SUSPENDS; i++)); do
		sleep "0.0$((11 + SEED + i))7"
		us=$(suspend_once)
		[[ -n $us ]] || bail_out "the trace does not tell of the suspend"
		total=$((total + us))
	done
	wait $! || bail_out "the program failed"
	echo "suspend setup=$1 seed=$SEED beyond_us=$total"
	remove_bench_device "$1"
}

for setup in $(setups); do
	load alone "$setup" -f 1
	load storm "$setup" -r 2 -f 16
	[[ $setup == raw ]] || suspend_under_load "$setup"
done
