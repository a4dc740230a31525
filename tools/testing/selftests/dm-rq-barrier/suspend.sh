#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flushes in flight while the device is suspended, resumed, given another table
# or removed: each of them ends, with success wherever a path is left, and
# nobody hangs.
#
# A path is a loop device on a linear device: while the latter is suspended, the
# commands sent to the path stay in flight, for as long as the test wants.
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# make_path NAME: PATH_DISK is a path that hold and release work on.
make_path() {
	make_loops 1 16
	make_dm "$1" "0 $(sectors_of "${LOOP_PATHS[0]}") linear \
$(dev_of "${LOOP_PATHS[0]}") 0"
	PATH_DISK=$(losetup --find --show "$DMDEV") || bail_out "no loop device"
	at_exit losetup -d "$PATH_DISK"
	at_exit dmsetup resume "$1"
	PATH_DISK=${PATH_DISK##*/}
}

hold() {
	must dmsetup suspend --noflush --nolockfs "${NAME}_a"
}

release() {
	must dmsetup resume "${NAME}_a"
}

clones_in_flight() {
	(($(trace_lines | grep -c 'barrier_map: .* issue') > \
		$(trace_lines | grep -c 'barrier_clone_end:')))
}

# start_flush, and its command stays in flight until release
flush_in_flight() {
	trace_start dm_rq_barrier
	mark
	hold
	start_flush
	wait_for 30 clones_in_flight || fail "no flush in flight"
}

# expect_waiting WHAT PID: it waits for the flush in flight, and then ends well.
expect_waiting() {
	wait_for 30 process_sleeps "$2" || fail "$1 does not wait"
	clones_in_flight || fail "no flush in flight any more"
	release
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

# Three cycles of each kind of suspend, with four processes flushing all the time.
storm() {
	local stop=$WORK/stop pids=() pid cycle

	mark
	for pid in 1 2 3 4; do
		flush_until "$stop" &
		pids+=($!)
	done
	for cycle in 1 2 3; do
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
	reload_dm "$NAME" "$(rq_table "" "$A")"
}

deferred_remove_in_flight() {
	flush_in_flight
	must dmsetup remove --deferred "$NAME"
	release
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
	release
	wait_for 60 process_ended $! || fail "the removal hangs"
	expect_exit "the flush" "$FLUSH" 0
	is_gone "$NAME" || must dmsetup remove --retry "$NAME"
	again
}

set_default_mode flush
make_path "${NAME}_a"
A=$PATH_DISK
make_path "${NAME}_b"
B=$PATH_DISK
make_mpath "$NAME" "" "$A"

add_case "suspend waits for the flush in flight" suspend_in_flight
add_case "so does suspend without flushing" suspend_in_flight --noflush
add_case "a flush to a suspended device waits for resume" flush_while_suspended
add_case "so it does if suspended without flushing" \
	flush_while_suspended --noflush
add_case "a new table while a flush is in flight" reload_in_flight
add_case "and one without flushing" reload_in_flight --noflush
add_case "an internal suspend waits for the flush in flight" \
	internal_suspend_in_flight
add_case "a flush that waits for a path gets one with a new table" \
	no_path_and_reload
add_case "a flush that waits for a path stands a flushing suspend" \
	no_path_and_suspend
add_case "no flush is lost in a storm of suspends and reloads" storm
add_case "deferred removal while a flush is in flight" deferred_remove_in_flight
add_case "forced removal while a flush is in flight" forced_remove_in_flight
run_cases
