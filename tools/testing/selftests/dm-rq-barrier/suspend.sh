#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The device is suspended, resumed, given another table or removed while flushes
# are in flight, in mode flush and in mode drain_flush, and under writers of all
# kinds: whatever was in hand ends, with success wherever a path is left, nothing
# is held for ever and nobody hangs.  What suspends is woken when the last request
# ends (P9), in any mode.
#
# timeout: 480
# packages: fio
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-load.sh
. "$(dirname "$0")/lib-load.sh"
# shellcheck source=lib-path.sh
. "$(dirname "$0")/lib-path.sh"

# start_flush, and its command stays in flight until the path goes on
flush_in_flight() {
	trace_start dm_rq_barrier
	mark
	stop_path "${NAME}_a"
	start_flush
	wait_for 30 clones_in_flight || fail "no flush in flight"
}

# expect_waiting WHAT PID: it waits for the flush in flight, and then ends well.
expect_waiting() {
	wait_for 30 process_sleeps "$2" || fail "$1 does not wait"
	clones_in_flight || fail "no flush in flight any more"
	go_on "${NAME}_a"
	expect_exit "$1" "$2" 0
	clones_in_flight && fail "$1 ended with a command in flight"
	expect_moved rounds=1
}

# expect_flushed: it succeeded, by one round
expect_flushed() {
	expect_exit "the flush" "$FLUSH" 0
	trace_stop
	expect_moved rounds=1 requests=1 errors=0 requeues=0
}

suspend_in_flight() {
	flush_in_flight
	dmsetup suspend "$@" "$NAME" &
	expect_waiting "suspend" $!
	must dmsetup resume "$NAME"
	expect_flushed
}

# A suspended device issues nothing.
flush_while_suspended() {
	must dmsetup suspend "$@" "$NAME"
	mark
	start_flush
	wait_for 30 process_sleeps "$FLUSH" || fail "the flush does not wait"
	expect_moved rounds=0
	must dmsetup resume "$NAME"
	expect_exit "the flush" "$FLUSH" 0
	expect_moved rounds=1
}

# From path A, where the flush is in flight, to path B
reload_in_flight() {
	flush_in_flight
	must dmsetup load "$NAME" --table "$(rq_table "" "$B")"
	dmsetup suspend "$@" "$NAME" &
	expect_waiting "suspend" $!
	must dmsetup resume "$NAME"
	expect_flushed
	mark "$A" "$B"
	must flush_dm
	expect_moved rounds=1 "$A.flushes=0" "$B.flushes=1"
	reload_dm "$NAME" "$(rq_table "" "$A")"
}

internal_suspend_in_flight() {
	flush_in_flight
	dmsetup message "$NAME" 0 "@stats_create - /1 drb" >"$WORK/id" &
	expect_waiting "stats_create" $!
	expect_flushed
	must dmsetup message "$NAME" 0 "@stats_delete $(<"$WORK/id")"
}

# Waiting for a path when the device is suspended without flushing, which is
# what multipathd does: a new table brings the path.
no_path_and_reload() {
	reload_dm "$NAME" "$(rq_table queue_if_no_path "$A")"
	path_message fail_path "$A"
	mark
	start_flush
	wait_for 30 stat_above requeues "${MARKS[requeues]}" ||
		fail "the flush is not waiting"
	reload_dm "$NAME" "$(rq_table queue_if_no_path "$B")" --noflush
	expect_exit "the flush" "$FLUSH" 0
	expect_moved errors=0
	reload_dm "$NAME" "$(rq_table "" "$A")"
}

# A suspend that flushes makes multipath stop waiting for paths, until resume.
# Whether the flush is tried meanwhile, and fails, is a matter of time; that it
# ends is not.
no_path_and_suspend() {
	reload_dm "$NAME" "$(rq_table queue_if_no_path "$A")"
	path_message fail_path "$A"
	mark
	start_flush
	wait_for 30 stat_above requeues "${MARKS[requeues]}" ||
		fail "the flush is not waiting"
	must dmsetup suspend "$NAME"
	must dmsetup resume "$NAME"
	path_message reinstate_path "$A"
	wait_for 60 process_ended "$FLUSH" || fail "the flush hangs"
	mark
	must flush_dm
	expect_moved rounds=1 errors=0
	reload_dm "$NAME" "$(rq_table "" "$A")"
}

# flush_until FILE: flush until it exists; fails with the first flush
flush_until() {
	until [[ -e $1 ]]; do
		flush_dm || return
	done
}

# Two cycles of each kind of suspend, with four processes flushing all the time.
storm() {
	local stop=$WORK/stop pids=() pid cycle

	rm -f "$stop"
	mark
	for pid in 1 2 3 4; do
		flush_until "$stop" &
		pids+=($!)
	done
	for cycle in 1 2; do
		for pid in "" --noflush; do
			must dmsetup suspend ${pid:+"$pid"} "$NAME"
			must dmsetup resume "$NAME"
			reload_dm "$NAME" "$(rq_table "" "$B")" ${pid:+"$pid"}
			reload_dm "$NAME" "$(rq_table "" "$A" "$B")" ${pid:+"$pid"}
		done
		wait_for 30 stat_above rounds $((MARKS[rounds] + cycle)) ||
			fail "no rounds"
	done
	touch "$stop"
	for pid in "${pids[@]}"; do
		expect_exit "flusher $pid" "$pid" 0
	done
	expect_moved errors=0
	expect_is "held" "$(stat held)" 0
	reload_dm "$NAME" "$(rq_table "" "$A")"
}

deferred_remove_in_flight() {
	flush_in_flight
	must dmsetup remove --deferred "$NAME"
	go_on "${NAME}_a"
	expect_exit "the flush" "$FLUSH" 0
	wait_for 30 is_gone "$NAME" || fail "$NAME is still there"
	again
}

is_gone() {
	! dmsetup info "$1" >/dev/null 2>&1
}

again() {
	must dmsetup create "$NAME" --table "$(rq_table "" "$A")"
	use_dm "$NAME"
}

# By force: the device gets a table of errors while it is open.  The flush in
# flight was sent before that, and succeeds.
forced_remove_in_flight() {
	flush_in_flight
	dmsetup remove --force "$NAME" &
	wait_for 30 process_sleeps $! || fail "the removal does not wait"
	go_on "${NAME}_a"
	wait_for 60 process_ended $! || fail "the removal hangs"
	expect_exit "the flush" "$FLUSH" 0
	is_gone "$NAME" || must dmsetup remove --retry "$NAME"
	again
}

# P9: to look again and again takes a timer, as it does for those who look here.
naps_of() {
	trace_lines | grep -c "^ *$1 .* hrtimer_start: .*=hrtimer_wakeup "
}

others_napped() {
	(($(naps_of "sleep-[0-9]*") >= $1))
}

suspend_is_woken() {
	local suspend writer

	stop_path "${NAME}_a"
	write_block "${MODE:0:1}" 1 &
	writer=$!
	wait_for 30 in_flight "$A" || fail "no write in flight"
	trace_start timer:hrtimer_start
	dmsetup suspend --noflush "$NAME" &
	suspend=$!
	wait_for 30 queue_stopped || fail "suspend does not stop the device"
	wait_for 60 others_napped 20 || fail "no timers in the trace"
	expect_is "naps of the suspend" "$(naps_of "dmsetup-$suspend")" 0
	process_ended "$suspend" && fail "suspend does not wait"
	go_on "${NAME}_a"
	expect_exit "suspend" "$suspend" 0
	trace_stop
	must dmsetup resume "$NAME"
	expect_exit "the writer" "$writer" 0
	expect_is "the block" "$(read_block 1)" "${MODE:0:1}"
}

# Who writes to an attribute of the queue locks the limits until all I/O has
# ended, which takes a resume here.  Nobody keeps it waiting.
switch_while_suspended() {
	local attribute=/sys/block/$DM/queue/write_cache writer pids pid

	reload_dm "$NAME" "$(rq_table queue_if_no_path "$A")"
	path_message fail_path "$A"
	pattern s >"$WORK/block"
	dd if="$WORK/block" of="$DMDEV" bs=4k count=1 oflag=direct status=none &
	writer=$!
	wait_for 30 process_sleeps "$writer" || fail "the writer does not wait"
	must dmsetup suspend --noflush "$NAME"
	echo "write back" >"$attribute" &
	pids=($!)
	if ! wait_for 10 process_sleeps "${pids[0]}"; then
		skip_case "attributes of the queue do not wait for I/O here"
	else
		set_mode flush &
		pids+=($!)
		wait_for 30 process_sleeps "${pids[1]}" ||
			fail "the switch does not wait for the attribute"
	fi
	dmsetup resume "$NAME" &
	wait_for 30 process_ended $! || fail "resume waits for the switch"
	path_message reinstate_path "$A"
	for pid in $! "$writer" "${pids[@]}"; do
		expect_exit "process $pid" "$pid" 0
	done
	must set_mode drain_flush
	reload_dm "$NAME" "$(rq_table "" "$A")"
}

# --- under load ---------------------------------------------------------------

# writers_on PATH...: of one disk; with suspends of each kind and reloads
writers_on() {
	local stop=$WORK/stop cycle option path writers

	rm -f "$stop"
	make_mpath "${NAME}_s" queue_if_no_path "$@"
	write_until "$stop" &
	writers=$!
	for cycle in 1 2; do
		for option in "" --noflush; do
			mark
			must dmsetup suspend ${option:+"$option"} "$DMNAME"
			must dmsetup resume "$DMNAME"
			for path in "${!#}" "$*"; do
				# shellcheck disable=SC2086	# paths
				reload_dm "$DMNAME" \
					"$(rq_table queue_if_no_path $path)" \
					${option:+"$option"}
			done
			wait_for 30 stat_above sequences \
				$((MARKS[sequences] + 5)) || fail "no sequences"
			expect_moved errors=0
		done
	done
	touch "$stop"
	expect_exit "the writers" "$writers" 0
	[[ -z $CASE_FAILED ]] || msg "$(grep '^fio:' "$WORK/load" | head -n 20)"
	expect_is "held" "$(stat held)" 0
	forget_dm "$DMNAME"
}

writers_on_scsi() {
	make_scsi_paths 2
	writers_on "${SCSI_PATHS[@]}"
}

writers_on_nullb() {
	make_cached_nullb "${NAME}n0"
	writers_on "${NAME}n0"
}

need_programs fio
make_loops 1 16
make_two_paths "${LOOP_PATHS[0]}"
make_mpath "$NAME" "" "$A"

add_barrier_cases "suspend waits for the flush in flight" suspend_in_flight
add_barrier_cases "so does suspend without flushing" suspend_in_flight --noflush
add_barrier_cases "a flush to a suspended device waits for resume" \
	flush_while_suspended
add_barrier_cases "so it does if suspended without flushing" \
	flush_while_suspended --noflush
add_barrier_cases "a new table while a flush is in flight" reload_in_flight
add_barrier_cases "and one without flushing" reload_in_flight --noflush
add_barrier_cases "an internal suspend waits for the flush in flight" \
	internal_suspend_in_flight
add_barrier_cases "a flush that waits for a path gets one with a new table" \
	no_path_and_reload
add_barrier_cases "a flush that waits for a path stands a flushing suspend" \
	no_path_and_suspend
add_barrier_cases "no flush is lost in a storm of suspends and reloads" storm
add_barrier_cases "deferred removal while a flush is in flight" \
	deferred_remove_in_flight
add_barrier_cases "forced removal while a flush is in flight" \
	forced_remove_in_flight
for mode in none flush drain_flush; do
	add_case "$mode: suspend is woken when the last request ends" \
		with_mode "$mode" suspend_is_woken
done
add_case "resume does not wait for a switch that waits for I/O" \
	switch_while_suspended
add_case "drain_flush: writers on scsi_debug, suspends and reloads" \
	with_mode drain_flush writers_on_scsi
add_case "drain_flush: writers on null_blk, suspends and reloads" \
	with_mode drain_flush writers_on_nullb
run_cases
