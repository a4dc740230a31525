#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced, after lib.sh: a load of writers, readers, flushes, FUA writes and the
# barriers of a journal for one multipath device, traced and then judged by
# order_check.py.
#
# The file system is at the beginning of the device, as only a file system
# right on it sends writes with REQ_PREFLUSH, and fio's jobs use what is behind
# it.  No two writes to the same sectors are in flight at a time.

need_programs fio mkfs.ext4 e2fsck fsfreeze python3

ORDER_CHECK=$(dirname "${BASH_SOURCE[0]}")/order_check.py
DM_PARAMETERS=/sys/module/dm_mod/parameters
ORDER_EVENTS="block:block_rq_issue block:block_rq_requeue
	block:block_rq_complete block:block_getrq"
# What dm says about it; not for order_check.py, but to explain what it finds
DM_EVENTS=dm_rq_barrier
ORDER_TRACED=
# Binary, for each processor.  A load of a second takes a fifth of it.
TRACE_KB=32768
LOAD_SECONDS=1
# Loads after which something that has to occur sometimes must have occurred
ENOUGH_LOADS=10
# Of a file system, and of the region that each of fio's jobs has
FS_KB=$((64 * 1024))
JOB_KB=4096
MNT=$WORK/mnt
LOAD=
PATHS=()

# --- devices ------------------------------------------------------------------

# set_dm_parameter NAME VALUE: until the test ends
set_dm_parameter() {
	local was

	was=$(<"$DM_PARAMETERS/$1")
	echo "$2" >"$DM_PARAMETERS/$1" || fail "cannot set $1 to $2"
	at_exit eval "echo $was >$DM_PARAMETERS/$1"
}

# make_slow_nullb DISK [ATTRIBUTE=VALUE]...: each request takes a while, so that
# several are in flight.
make_slow_nullb() {
	make_cached_nullb "$1" size=400 blocksize=512 irqmode=2 \
		completion_nsec=100000 "${@:2}"
}

# make_loops_on DISK COUNT: as many paths to it, in LOOP_PATHS
make_loops_on() {
	local loop i

	modprobe -q loop
	LOOP_PATHS=()
	for ((i = 0; i < $2; i++)); do
		loop=$(losetup --find --show --direct-io=on "/dev/$1") ||
			bail_out "no loop device"
		at_exit losetup -d "$loop"
		LOOP_PATHS+=("${loop##*/}")
	done
}

# make_fs TYPE
make_fs() {
	case $1 in
	ext4) must mkfs.ext4 -q -F -b 1024 -J size=1 "$DMDEV" "${FS_KB}k" ;;
	xfs) must mkfs.xfs -q -f -d "size=${FS_KB}k" "$DMDEV" ;;
	esac
}

check_fs() {
	case $1 in
	ext4) must e2fsck -f -n "$DMDEV" ;;
	xfs) must xfs_repair -n "$DMDEV" ;;
	esac
}

# mount_fs TYPE: a new one
mount_fs() {
	mkdir -p "$MNT"
	make_fs "$1" && must mount -t "$1" "$DMDEV" "$MNT" &&
		at_exit umount -l "$MNT"
}

# unmount_fs TYPE: it has to be consistent.
unmount_fs() {
	must umount "$MNT" && check_fs "$1"
}

# make_ordered FEATURES PATH...: NAME and PATHS, with a mounted file system
make_ordered() {
	PATHS=("${@:2}")
	make_mpath "$NAME" "$@"
	mount_fs "${FS:-ext4}"
}

# forget_ordered: all is well in the end, and nothing keeps the device.
forget_ordered() {
	unmount_fs "${FS:-ext4}"
	expect_nothing_held
	forget_dm "$NAME"
}

set_elevator() {
	echo "$1" >"/sys/block/$DM/queue/scheduler" || fail "no scheduler $1"
}

# Nothing, in modes that hold nothing, and when all is over.
expect_nothing_held() {
	expect_is "held" "$(stat held)" 0
}

# --- the load -----------------------------------------------------------------

# job NAME REGION [OPTIONS]: words for fio
job() {
	echo "--name=$1 --filename=$DMDEV --offset=$((FS_KB + $2 * JOB_KB))k" \
		"--size=${JOB_KB}k" "${@:3}"
}

# All ways to flush, and those whom it may disturb.  What "verified" reads back
# is what it wrote.
start_load() {
	local jobs

	jobs=$(
		job writer1 0 --rw=randwrite --ioengine=libaio --iodepth=8
		job writer2 1 --rw=randwrite --ioengine=libaio --iodepth=4
		job verified 2 --rw=randwrite --ioengine=libaio --iodepth=4 \
			--verify=crc32c --verify_backlog=16 --verify_fatal=1 \
			--verify_state_save=0
		job reader 3 --rw=randread --ioengine=libaio --iodepth=2
		job fdatasync 4 --rw=randwrite --ioengine=psync --fdatasync=2
		job dsync 5 --rw=randwrite --ioengine=libaio --iodepth=2 \
			--sync=dsync
	)
	# shellcheck disable=SC2086	# a list of words
	fio --thread --output="$WORK/load" --bs=4k --direct=1 --invalidate=0 \
		--serialize_overlap=1 --time_based --runtime="$LOAD_SECONDS" \
		$jobs --name=journal1 --directory="$MNT" --size=256k --direct=0 \
		--rw=randwrite --ioengine=psync --fsync=1 \
		--name=journal2 --directory="$MNT" --size=256k --direct=0 \
		--rw=randwrite --ioengine=psync --fdatasync=2 &
	LOAD=$!
}

# The trace but for what only stands in the way of a reader: reads, and writes
# that are not special.
telling_lines() {
	grep -v -e '^#' -e ': [0-9]*,[0-9]* R' -e 'getrq: [0-9,]* W[SM]* ' |
		tail -n 40
}

# A load that hangs keeps the device for ever: nothing more can be tested, or
# cleaned up.
hangs() {
	msg "$(cat "/sys/block/$DM/dm/rq_barrier_stats")"
	msg "$(head -n 20 "/sys/kernel/debug/block/$DM"/hctx*/{busy,dispatch})"
	trace_stop
	msg "$(telling_lines <"$TRACE/trace")"
	leave_it_all
	bail_out "the load hangs"
}

end_load() {
	local status=0

	wait_for 60 process_ended "$LOAD" || hangs
	wait "$LOAD" || status=$?
	((status == 0)) ||
		fail "fio fails: $(grep '^fio:' "$WORK/load" | head -n 20)"
	stop_trace_idle
}

# The file system writes when it likes.  Without that all that the trace has
# seen to begin it sees to end.
stop_trace_idle() {
	must fsfreeze --freeze "$MNT"
	trace_stop
	must fsfreeze --unfreeze "$MNT"
}

# For a load that is left alone
idle() {
	sleep 0.1
}

# --- tracing and judging ------------------------------------------------------

# dev_filter DISK...: for the filter of an event; dev_t is the kernel's
dev_filter() {
	local disk dev filter=

	for disk; do
		dev=$(dev_of "$disk")
		filter+="${filter:+ || }dev == $(((${dev%:*} << 20) | ${dev#*:}))"
	done
	echo "$filter"
}

# The clock "counter" has the order among processors exactly.
prepare_trace() {
	local event filter

	trace_start
	trace_stop
	echo counter >"$TRACE/trace_clock"
	echo "$TRACE_KB" >"$TRACE/buffer_size_kb"
	for event in $ORDER_EVENTS; do
		filter=$(dev_filter "$DM" "${PATHS[@]}")
		[[ $event != *getrq ]] || filter=$(dev_filter "$DM")
		echo "$filter" >"$TRACE/events/${event/://}/filter" ||
			fail "no filter for $event"
	done
	# shellcheck disable=SC2086	# a list of words
	trace_start $ORDER_EVENTS $DM_EVENTS
}

# trace_order: what order_check.py needs of DM and PATHS, and no more.
trace_order() {
	if [[ $ORDER_TRACED != "$DM ${PATHS[*]}" ]]; then
		prepare_trace
		ORDER_TRACED="$DM ${PATHS[*]}"
	fi
	echo >"$TRACE/trace"
	echo 1 >"$TRACE/tracing_on"
}

# trace_mark WORD: see order_check.py
trace_mark() {
	echo "order-check: $1" >"$TRACE/trace_marker"
}

# judge: the verdict is in ORDER, its counts in COUNTED, its status is ours.
declare -A COUNTED
judge() {
	local status=0 word devs=() path

	for path in "${PATHS[@]}"; do
		devs+=("$(dev_of "$path")")
	done
	ORDER=$("$ORDER_CHECK" "$TRACE/trace" "$(dev_of "$DM")" "${devs[@]}" \
		2>&1) || status=$?
	COUNTED=()
	for word in $(head -n 1 <<<"$ORDER" | grep '='); do
		COUNTED[${word%=*}]=${word#*=}
	done
	return $status
}

# What happened around the first violation
show_violation() {
	local line

	line=$(grep -oE '^  [0-9]+' <<<"$ORDER" | head -n 2 | tail -n 1)
	[[ -z $line ]] ||
		msg "$(head -n $((line + 5)) "$TRACE/trace" | telling_lines)"
}

declare -A TOTAL

add_counts() {
	local what

	for what in "${!COUNTED[@]}"; do
		TOTAL[$what]=$((${TOTAL[$what]:-0} + COUNTED[$what]))
	done
}

# counted WHAT...: has each of them occurred?
counted() {
	local what

	for what; do
		((${TOTAL[$what]:-0} > 0)) || return
	done
}

show_total() {
	local what text=

	for what in flushes rounds commands barriers joined writes reads \
		reads_in_sequence requeues; do
		text+=" $what=${TOTAL[$what]:-0}"
	done
	msg "$LOADS loads:$text"
}

# traced_load COMMAND...: one load, and the command again and again while it
# runs, with the number of the time as another argument.
traced_load() {
	local end=$((EPOCHSECONDS + LOAD_SECONDS + 20)) i=0

	trace_order
	start_load
	while ! process_ended "$LOAD" && [[ -z $CASE_FAILED ]] &&
		((EPOCHSECONDS < end)); do
		"$@" "$((i++))"
	done
	end_load
}

# expect_order COMMAND...: loads, as many as the time allows and one at least,
# are in order, and all that order is about has occurred.
expect_order() {
	local end=$((EPOCHSECONDS + ${TEST_SECONDS:-0} / ${#CASES[@]}))

	TOTAL=()
	for ((LOADS = 1; ; LOADS++)); do
		traced_load "$@"
		if ! judge || ((${COUNTED[unmatched]:--1})); then
			fail "$ORDER"
			show_violation
		fi
		expect_num "requests not seen to end" \
			"${COUNTED[unfinished]:--1}" -eq 0
		add_counts
		[[ -z $CASE_FAILED ]] || break
		if counted flushes "${WANTED[@]}"; then
			((EPOCHSECONDS < end)) || break
		elif ((LOADS == ENOUGH_LOADS)); then
			fail "not all of ${WANTED[*]} in $LOADS loads"
			break
		fi
	done
	show_total
	expect_nothing_held
}

WANTED=(barriers writes reads_in_sequence)

# expect_disorder RULE...: each of them is found to be violated.
expect_disorder() {
	local status=0

	TOTAL=()
	for ((LOADS = 1; LOADS <= ENOUGH_LOADS; LOADS++)); do
		traced_load idle
		judge || status=$?
		((status < 2 && ${#COUNTED[@]})) || fail "$ORDER"
		[[ -z $CASE_FAILED ]] || return
		add_counts
		if counted "$@"; then
			msg "$(head -n 1 <<<"$ORDER")"
			return
		fi
	done
	fail "not all of $* violated in $ENOUGH_LOADS loads: $ORDER"
}
