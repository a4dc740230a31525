#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An ordered sequence that is stopped at each of its steps, in drain, pre-flush,
# barrier I/O and post-flush, while a write and another flush stand in line: the
# device is suspended in both ways, its table is replaced, its mode is switched,
# and paths are missing for a long time (G5).  Nothing is issued that must not be,
# the rest of the sequence runs when it can, and everybody's request ends.
#
# XFS makes the barrier I/O, which is a write with a pre-flush: to sync a file
# that was just created costs one such write, to the log.
#
# timeout: 480
# mem: 1G
# packages: xfsprogs
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-path.sh
. "$(dirname "$0")/lib-path.sh"

FILES=0

# With room for a block that is not the file system's.  XFS writes its log by
# itself every 30 s; that would be a sequence too many.
with_file_system() {
	local period=/proc/sys/fs/xfs/xfssyncd_centisecs

	modprobe -q xfs
	at_exit eval "echo $(<"$period") >$period"
	echo 720000 >"$period" || fail "XFS writes its log at any time"
	set_default_mode drain_flush
	make_dm "${NAME}_x" "$(stepwise_table)"
	expect_mode "of the device" drain_flush
	RAW_BLOCK=$(($(sectors_of "$DISK") / 8 - 1))
	must mkfs.xfs -q -f -d size=300m "$DMDEV"
	MNT=$WORK/mnt
	mkdir "$MNT"
	must mount "$DMDEV" "$MNT"
	at_exit umount -l "$MNT"
	must sync
}

without_file_system() {
	must umount "$MNT"
	forget_dm "${NAME}_x"
}

new_file() {
	FILES=$((FILES + 1))
	must touch "$MNT/$FILES"
	trace_start dm_rq_barrier block:block_rq_issue
	mark
	WRITERS=()
}

start_sync() {
	sync "$MNT/$FILES" &
	SYNC=$!
}

# write_in_flight BLOCK: on path A
write_in_flight() {
	stop_next_at a
	write_block "$LETTER" "$1" &
	WRITERS+=($!)
	wait_for 30 in_flight "$A" || fail "no write in flight"
}

# stop_at_...: that step of the sequence which the sync of a file makes is in
# flight, on the path STOPPED.
stop_at_drain() {
	new_file
	write_in_flight "$((RAW_BLOCK - 1))"
	start_sync
	wait_for 30 trace_has "dm_rq_barrier_drain: .* writes=1" ||
		fail "the flush does not wait for the write"
}

stop_at_pre_flush() {
	new_file
	stop_next_at a
	start_sync
	wait_for 30 clones_in_flight || fail "no pre-flush in flight"
}

stop_at_barrier_io() {
	stop_at_pre_flush
	stop_next_at b
	go_on "${NAME}_a"
	wait_for 30 trace_has "dm_rq_barrier_io:" || fail "no barrier I/O"
	wait_for 30 in_flight "$B" || fail "no barrier I/O in flight"
}

stop_at_post_flush() {
	stop_at_barrier_io
	stop_next_at a
	go_on "${NAME}_b"
	wait_for 30 trace_has "dm_rq_barrier_io_end:" ||
		fail "the barrier I/O does not end"
	wait_for 30 clones_in_flight || fail "no post-flush in flight"
}

# A write that has to stand in line, and a flush behind it
start_bystanders() {
	local held

	held=$(stat held)
	write_block "$LETTER" "$RAW_BLOCK" &
	WRITERS+=($!)
	wait_for 30 held_is $((held + 1)) || fail "the write is not held"
	start_flush
}

# everybody_ended BARRIER_IOS: so many were part of a sequence, and all is well.
everybody_ended() {
	local pid

	expect_exit "the sync" "$SYNC" 0
	for pid in "${WRITERS[@]}"; do
		expect_exit "writer $pid" "$pid" 0
	done
	expect_exit "the flush" "$FLUSH" 0
	if [[ -n $CASE_FAILED ]]; then
		leave_it_all
		return
	fi
	trace_stop
	expect_match "barrier I/Os" "$(barrier_ios)" "^$1$"
	expect_moved errors=0
	expect_is "held" "$(stat held)" 0
	expect_is "the block" "$(read_block "$RAW_BLOCK")" "$LETTER"
}

# start_suspend [OPTION]: it has stopped the device, and waits.
start_suspend() {
	dmsetup suspend --nolockfs "$@" "${NAME}_x" &
	SUSPEND=$!
	wait_for 30 queue_stopped || fail "suspend does not stop the device"
	process_ended "$SUSPEND" && fail "suspend does not wait"
}

# It waits, and lets the device go on meanwhile.
start_patient_suspend() {
	dmsetup suspend --nolockfs "${NAME}_x" &
	SUSPEND=$!
	wait_for 1 queue_stopped && fail "suspend does not wait for the post-flush"
	process_ended "$SUSPEND" && fail "suspend does not wait"
}

issued_to_paths() {
	echo "$(issued "$A" .) to $A, $(issued "$B" .) to $B"
}

barrier_ios() {
	trace_lines | grep -c 'dm_rq_barrier_io:'
}

# suspended_after ROUNDS BARRIER_IOS: the path goes on, and the suspend ends
# when so much has been done.
suspended_after() {
	go_on "$STOPPED"
	expect_exit "suspend" "$SUSPEND" 0
	expect_moved rounds="$1"
	expect_num "barrier I/Os" "$(barrier_ios)" -eq "$2"
	ISSUED=$(issued_to_paths)
}

# resumed EXTRA_ROUNDS: all goes on.
resumed() {
	expect_is "issued when the suspend ends" "$(issued_to_paths)" "$ISSUED"
	must dmsetup resume "${NAME}_x"
	everybody_ended 1
	expect_moved rounds=3 extra_rounds="$1" requeues=0
}

# suspend_at STEP ROUNDS BARRIER_IOS EXTRA_ROUNDS [OPTION]
suspend_at() {
	LETTER=A
	"stop_at_$1"
	start_bystanders
	start_suspend "${@:5}"
	suspended_after "$2" "$3"
	resumed "$4"
}

# patient_suspend_at STEP EXTRA_ROUNDS: the post-flush has to be on the table
# that the barrier I/O was on.  What the bystanders have done when the suspend
# ends is a matter of time.
patient_suspend_at() {
	LETTER=B
	"stop_at_$1"
	start_bystanders
	start_patient_suspend
	go_on "$STOPPED"
	expect_exit "suspend" "$SUSPEND" 0
	expect_num "rounds" "$(moved rounds)" -ge 2
	ISSUED=$(issued_to_paths)
	resumed "$2"
}

# P8, which mode flush does not cure: the suspend ends before the post-flush.
suspend_without_post_flush() {
	must set_mode flush
	stop_at_pre_flush
	stop_next_at b
	go_on "${NAME}_a"
	wait_for 30 in_flight "$B" || fail "no barrier I/O in flight"
	start_suspend
	suspended_after 1 0
	process_ended "$SYNC" && fail "the sync did not wait"
	must dmsetup resume "${NAME}_x"
	expect_exit "the sync" "$SYNC" 0
	expect_moved rounds=2
	must set_mode drain_flush
}

# another_table_at STEP ROUNDS BARRIER_IOS EXTRA_ROUNDS: what is left of the
# sequence runs on the table that is resumed.
another_table_at() {
	local before

	LETTER=C
	"stop_at_$1"
	start_bystanders
	must dmsetup load "${NAME}_x" --table "$(rq_table "" "$A")"
	start_suspend --noflush
	suspended_after "$2" "$3"
	before=$(issued "$B" .)
	resumed "$4"
	expect_is "issued to $B" "$(issued "$B" .)" "$before"
	reload_dm "${NAME}_x" "$(stepwise_table)" --noflush
}

# mode_changes_at STEP BARRIER_IOS MODE...: a sequence that has begun ends as one,
# whatever the mode.  While it drains it has not, and may be given up.
mode_changes_at() {
	local mode

	LETTER=D
	"stop_at_$1"
	start_bystanders
	for mode in "${@:3}"; do
		must set_mode "$mode"
	done
	go_on "$STOPPED"
	everybody_ended "$2"
	must set_mode drain_flush
}

# line_of REGEX: of the trace, the first
line_of() {
	trace_lines | grep -nE -m 1 -e "$1" | cut -d : -f 1
}

# A write that was in flight before the mode was drain_flush is not counted, and
# yet the flush behind it waits.
mode_changes_over_write() {
	LETTER=E
	must set_mode "$1"
	new_file
	write_in_flight "$RAW_BLOCK"
	trace_start dm_rq_barrier block:block_rq_complete
	must set_mode drain_flush
	start_flush
	wait_for 30 trace_has "dm_rq_barrier_hold: .* flush" || fail "no flush"
	wait_for 1 trace_has "dm_rq_barrier_round_start:" &&
		fail "the flush does not wait for the write"
	go_on "$STOPPED"
	expect_exit "the writer" "${WRITERS[0]}" 0
	expect_exit "the flush" "$FLUSH" 0
	trace_stop
	expect_num "the end of the write comes" \
		"$(line_of "block_rq_complete: $(dev_of "$DM" | tr : ,) W")" -lt \
		"$(line_of "dm_rq_barrier_round_start:")"
	expect_moved rounds=1 sequences=1
}

# blk-flush has a pre-flush wait for the barrier I/O before it, but not for more
# than five seconds.  Here a path is missing for six.
out_of_patience() {
	LETTER=F
	new_file
	must dmsetup message "$DMNAME" 0 queue_if_no_path
	path_message fail_path "$A"
	path_message fail_path "$B"
	start_sync
	wait_for 30 stat_above requeues "${MARKS[requeues]}" ||
		fail "the pre-flush does not wait for a path"
	start_bystanders
	wait_for 60 stat_above requeues $((MARKS[requeues] + 60)) ||
		fail "the pre-flush is not tried again"
	path_message reinstate_path "$A"
	path_message reinstate_path "$B"
	everybody_ended 1
	must dmsetup message "$DMNAME" 0 fail_if_no_path
}

need_programs mkfs.xfs
make_loops 1 320
make_two_paths "${LOOP_PATHS[0]}"

add_case "a file system, to stop sequences at each step" with_file_system
add_case "suspend in the drain ends there" suspend_at drain 0 0 1
add_case "so does suspend without flushing" suspend_at drain 0 0 1 --noflush
add_case "suspend at the pre-flush ends there" suspend_at pre_flush 1 0 1
add_case "so does suspend without flushing" \
	suspend_at pre_flush 1 0 1 --noflush
add_case "suspend at the barrier I/O waits for the post-flush" \
	patient_suspend_at barrier_io 1
add_case "mode flush: it does not" suspend_without_post_flush
add_case "suspend without flushing ends before the post-flush" \
	suspend_at barrier_io 1 1 1 --noflush
add_case "suspend at the post-flush ends after it" \
	patient_suspend_at post_flush 0
add_case "so does suspend without flushing" \
	suspend_at post_flush 2 1 0 --noflush
add_case "another table in the drain" another_table_at drain 0 0 1
add_case "another table at the pre-flush" another_table_at pre_flush 1 0 1
add_case "another table at the barrier I/O" another_table_at barrier_io 1 1 1
add_case "another table at the post-flush" another_table_at post_flush 2 1 0
for modes in none flush "none drain_flush" "flush drain_flush"; do
	# shellcheck disable=SC2086	# lists of words
	{
		add_case "the mode changes in the drain: $modes" \
			mode_changes_at drain "[01]" $modes
		add_case "the mode changes at the pre-flush: $modes" \
			mode_changes_at pre_flush 1 $modes
		add_case "the mode changes at the barrier I/O: $modes" \
			mode_changes_at barrier_io 1 $modes
		add_case "the mode changes at the post-flush: $modes" \
			mode_changes_at post_flush 1 $modes
	}
done
for mode in none flush; do
	add_case "a write of mode $mode is in flight when the mode changes" \
		mode_changes_over_write "$mode"
done
add_case "no path for longer than the block layer is patient" out_of_patience
add_case "the device can be removed" without_file_system
run_cases
