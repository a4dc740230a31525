#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# latency.sh LOAD SEED MILLISECONDS: how long requests and suspends take, on a
# kernel without the series, or in each mode of one with it.  The program LOAD
# (dm-rq-load) works on request-based multipath; on its disk everything takes as
# long, flushes as well.
#
#	alone	one loop of write and fdatasync, 100 us
#	storm	16 of them and 2 readers, 100 us
#	suspend	64 writers, 1 ms, while the device is suspended 8 times
#
# To be run in user-mode Linux with time-travel=inf-cpu, like fairness.sh.
#
# Lines of output: "alone setup=SETUP seed=SEED" with a line of LOAD, "storm ..."
# likewise, and "suspend setup=SETUP seed=SEED beyond_us=N": from the completion
# of the last write to the end of the suspend, summed up over all suspends.

export DEMO=1		# a failure ends it
export ANY_KERNEL=1	# that may be stock
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

LOAD=$1
SEED=$2
MILLISECONDS=$3
DISK=${NAME}n0
SUSPENDS=8

setups() {
	if kernel_has_barriers; then
		echo none flush drain_flush
	else
		echo stock
	fi
}

# make_device SETUP NANOSECONDS
make_device() {
	[[ $1 == stock ]] || set_default_mode "$1"
	make_cached_nullb "$DISK" irqmode=2 "completion_nsec=$2"
	make_mpath "$NAME" "" "$DISK"
	[[ $1 == stock ]] || expect_match "mode" "$(show_mode)" "\[$1\]"
}

remove_device() {
	forget_dm "$NAME"
	remove_nullb "$DISK"
}

# load KIND SETUP THREADS...
load() {
	local line

	make_device "$2" 100000
	"$LOAD" "${@:3}" -t "$MILLISECONDS" -s "$SEED" "$DMDEV" \
		>"$WORK/load" || bail_out "the load failed"
	while IFS= read -r line; do
		echo "$1 setup=$2 seed=$SEED $line"
	done <"$WORK/load"
	remove_device
}

# beyond_us: from the last completion of the multipath device to the marker
beyond_us() {
	trace_lines | awk -v dev="block_rq_complete: $(dev_of "$DM" | tr : ,) " '
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

	make_device "$1" 1000000
	"$LOAD" -w 64 -t $((SUSPENDS * 40 + 100)) -s "$SEED" "$DMDEV" \
		>"$WORK/load" &
	sleep 0.12
	for ((i = 0; i < SUSPENDS; i++)); do
		sleep "0.0$((11 + SEED + i))7"
		us=$(suspend_once)
		[[ -n $us ]] || bail_out "the trace does not tell of the suspend"
		total=$((total + us))
	done
	wait $! || bail_out "the load failed"
	echo "suspend setup=$1 seed=$SEED beyond_us=$total"
	remove_device
}

for setup in $(setups); do
	load alone "$setup" -f 1
	load storm "$setup" -r 2 -f 16
	suspend_under_load "$setup"
done
