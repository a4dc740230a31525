#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dm_rq_seq, the monitor of the kernel's runtime verification that follows the
# ordered sequences of each mapped device: it sees each of their steps, in every
# mode and whatever is done to the devices, and has nothing to object to.  It
# may be turned on and off at any time.  (That it objects to what is wrong is
# for its KUnit suite to show: what is wrong cannot be made from here.)
#
# timeout: 900
# mem: 1G
# packages: fio e2fsprogs xfsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-order.sh
. "$(dirname "$0")/lib-order.sh"

DISTURB=$(dirname "$0")/disturb.py
RV=/sys/kernel/tracing/rv
MONITOR=$RV/monitors/dm_rq_seq
# All that tools/verification/models/dm_rq_seq.dot knows
EVENTS=(drain drained gate_close gate_off gate_open hold io io_end io_last
	io_owed io_perhaps mode_off mode_on release requeue round_end round_error
	round_start stray_round)
# For a flush at a time, and for loads
ONE=${NAME}_0
FIRST=${NAME}_1
SECOND=${NAME}_2
FLUSH=
OBJECTIONS=0
declare -A LOAD_OF

# --- the monitor --------------------------------------------------------------

monitor_on() {
	must eval "echo 1 >$MONITOR/enable"
}

monitor_off() {
	must eval "echo 0 >$MONITOR/enable"
}

# What it knows of all devices is forgotten.
monitor_reset() {
	must eval "echo 0 >$RV/monitoring_on"
	must eval "echo 1 >$RV/monitoring_on"
}

objections() {
	kernel_log | grep -c 'rv: monitor dm_rq_seq'
}

# watch: from now on, and with nothing known of the devices that there are
watch() {
	monitor_off
	must eval "echo printk >$MONITOR/reactors"
	monitor_on
	OBJECTIONS=$(objections)
	trace_start rv:event_dm_rq_seq rv:error_dm_rq_seq dm_rq_barrier
}

# watched: nothing was wrong.
watched() {
	local line

	trace_stop
	expect_is "objections in the kernel log" "$(objections)" "$OBJECTIONS"
	line=$(trace_lines | grep -n -m 1 'error_dm_rq_seq' | cut -d : -f 1)
	[[ -n $line ]] || return
	fail "the monitor objects:"
	msg "$(trace_lines | head -n "$line" | tail -n 60)"
}

# steps: what the monitor saw of DM, one "state x event -> next state" a line;
# "(final)" follows those states in which nothing is going on, and on old kernels
# a blank the others.
steps() {
	trace_lines | grep -oP "event_dm_rq_seq: ${DM#dm-}: \K.*\S"
}

# expect_steps STEP...: these and no others
expect_steps() {
	expect_is "steps" "$(steps)" "$(printf '%s\n' "$@")"
}

# stepped REGEX
stepped() {
	steps | grep -qE -e "^$1"
}

wait_for_step() {
	wait_for 30 stepped "$1" || {
		fail "no step \"$1\" in"
		msg "$(steps)"
	}
}

# --- devices ------------------------------------------------------------------

# use NAME: it is the one that lib-order.sh works with, too
use() {
	NAME=$1
	MNT=$WORK/mnt.$NAME
	use_dm "$NAME"
}

# make_for_load NAME PATH...
make_for_load() {
	NAME=$1
	MNT=$WORK/mnt.$NAME
	make_ordered queue_if_no_path "${@:2}"
}

two_devices() {
	forget_dm "$ONE"
	make_for_load "$SECOND" "$C" "$D"
	SECOND_DM=$DM
	make_for_load "$FIRST" "$A" "$B"
}

forget_devices() {
	use "$SECOND"
	forget_ordered
	use "$FIRST"
	forget_ordered
}

# --- cases --------------------------------------------------------------------

# It is, and sees nothing.
off() {
	expect_is "enable" "$(<"$MONITOR/enable")" 0
	trace_start rv:event_dm_rq_seq
	must flush_dm
	trace_stop
	expect_steps
}

a_flush() {
	watch
	must flush_dm
	wait_for_step "pre_flushed x gate_open"
	watched
	expect_steps \
		"off x gate_close -> closed" \
		"closed x hold -> closed" \
		"closed x drained -> dry" \
		"dry x round_start -> pre_flush" \
		"pre_flush x round_end -> pre_flushed" \
		"pre_flushed x gate_open -> open (final)"
}

flush_in_mode_flush() {
	must set_mode flush
	must flush_dm
	must set_mode drain_flush
}

# Of a device that was there before, nothing is known until its gate is closed.
made_before() {
	watch
	flush_in_mode_flush
	watched
	expect_steps
}

made_after() {
	watch
	make_mpath "${ONE}_new" "" "$A"
	flush_in_mode_flush
	watched
	expect_steps \
		"off x mode_off -> off (final)" \
		"off x stray_round -> off (final)" \
		"off x mode_on -> off (final)"
	forget_dm "${ONE}_new"
	use_dm "$ONE"
}

requeued() {
	watch
	path_message fail_path "$A"
	path_message fail_path "$B"
	start_flush
	wait_for_step "pre_flushed x requeue -> pre_again"
	wait_for_step "pre_again x round_start -> pre_flush"
	path_message reinstate_path "$A"
	path_message reinstate_path "$B"
	expect_exit "the flush" "$FLUSH" 0
	wait_for_step "pre_flushed x gate_open"
	watched
}

failed() {
	must dmsetup message "$ONE" 0 fail_if_no_path
	watch
	path_message fail_path "$A"
	path_message fail_path "$B"
	flush_dm && fail "the flush succeeds"
	wait_for_step "pre_flush x round_error -> pre_flushed"
	wait_for_step "pre_flushed x gate_open"
	watched
	path_message reinstate_path "$A"
	path_message reinstate_path "$B"
	must dmsetup message "$ONE" 0 queue_if_no_path
}

# bad_blocks +|-: the middle of the disk can be neither read nor written, or can
# be again.  Linux 6.1 does not find what is in longer ranges than 512 sectors.
bad_blocks() {
	local sector

	for ((sector = 192 * 2048; sector < 256 * 2048; sector += 512)); do
		echo "$1$sector-$((sector + 511))"
	done | while read -r sector; do
		echo "$sector" >"$NULLB_CONFIG/$DISK/badblocks" || return
	done
}

# XFS writes to its log with REQ_PREFLUSH | REQ_FUA, and to nothing else before.
# The log is in the middle of the disk, and new.
barrier_io_failed() {
	must dmsetup message "$ONE" 0 fail_if_no_path
	mkdir "$WORK/xfs"
	must mkfs.xfs -q -f "$DMDEV"
	must mount "$DMDEV" "$WORK/xfs"
	must touch "$WORK/xfs/first"
	must sync "$WORK/xfs/first"
	watch
	must bad_blocks +
	must touch "$WORK/xfs/second"
	must_fail "" sync "$WORK/xfs/second"
	wait_for_step "barrier x io_last -> written"
	wait_for_step "written x gate_open"
	watched
	must bad_blocks -
	must umount "$WORK/xfs"
	path_message reinstate_path "$A"
	path_message reinstate_path "$B"
	must dmsetup message "$ONE" 0 queue_if_no_path
}

# The next one has the number of the one before, which may have been left in
# the middle of a sequence.
come_and_go() {
	local i modes=(drain_flush flush none)

	watch
	for ((i = 0; i < 30; i++)); do
		set_default_mode "${modes[i % 3]}"
		make_mpath "${ONE}_new" "" "$A"
		must flush_dm
		must dmsetup suspend --noflush "${ONE}_new"
		forget_dm "${ONE}_new"
		[[ -z $CASE_FAILED ]] || break
	done
	set_default_mode drain_flush
	watched
	expect_num "devices with a sequence" \
		"$(steps | grep -cx 'off x gate_close -> closed')" -eq 10
	use_dm "$ONE"
}

# without_sequence MODE: a load, on a device that the monitor knows
without_sequence() {
	use "$FIRST"
	watch
	must flush_dm
	wait_for_step ".* x gate_open"
	must set_mode "$1"
	wait_for_step ".* -> off"
	must flush_dm
	echo >"$TRACE/trace"
	start_load
	end_load
	watched
	expect_is "steps" "$(steps | sort -u)" \
		"$([[ $1 == none ]] || echo "off x stray_round -> off (final)")"
	must set_mode drain_flush
}

start_loads() {
	local name

	for name in "$SECOND" "$FIRST"; do
		use "$name"
		mkdir -p "$WORK/$name"
		WORK=$WORK/$name start_load
		LOAD_OF[$name]=$LOAD
	done
}

loads_ended() {
	local name

	for name in "$SECOND" "$FIRST"; do
		use "$name"
		wait_for 60 process_ended "${LOAD_OF[$name]}" || hangs
	done
}

# end_loads: who freezes a file system must be done with that.
end_loads() {
	local name

	for name in "$SECOND" "$FIRST"; do
		use "$name"
		LOAD=${LOAD_OF[$name]}
		WORK=$WORK/$name end_load
	done
}

# disturbed_load: both devices lose paths, are suspended, have other tables and
# modes.
disturbed_load() {
	local stop=$WORK/stop disturber

	rm -f "$stop"
	start_loads
	"$DISTURB" "$stop" "$FIRST:$DM:$A,$B" "$SECOND:$SECOND_DM:$C,$D" \
		>"$WORK/disturb" 2>&1 &
	disturber=$!
	loads_ended
	touch "$stop"
	expect_exit "the disturber" "$disturber" 0
	end_loads
	[[ -z $CASE_FAILED ]] || msg "$(<"$WORK/disturb")"
}

unseen() {
	local event

	for event in "${EVENTS[@]}"; do
		[[ -n ${SEEN[$event]:-} ]] || echo "$event"
	done
}

note_events() {
	local event

	for event in $(trace_lines |
		grep -oP 'event_dm_rq_seq: .* x \K[a-z_]+' | sort -u); do
		SEEN[$event]=1
	done
}

# As long as the time allows, and until each event was seen, but for those that
# have cases of their own, and one that takes more bad luck
disturbed() {
	local loads end=$((EPOCHSECONDS + ${TEST_SECONDS:-0} / 2))
	declare -A SEEN=([io_last]=1 [io_perhaps]=1 [requeue]=1
		[round_error]=1)

	for ((loads = 1; ; loads++)); do
		watch
		disturbed_load
		note_events
		watched
		[[ -z $CASE_FAILED ]] || break
		if [[ -z $(unseen) ]]; then
			((EPOCHSECONDS < end)) || break
		elif ((loads == ENOUGH_LOADS)); then
			fail "no $(unseen | paste -sd " ") in $loads loads"
			break
		fi
	done
	msg "$loads loads"
}

turned_on_and_off() {
	local i=0

	watch
	start_loads
	until process_ended "$LOAD" || [[ -n $CASE_FAILED ]]; do
		case $((i++ % 3)) in
		0) monitor_off ;;
		1) monitor_on ;;
		2) monitor_reset ;;
		esac
	done
	loads_ended
	end_loads
	expect_num "times" "$i" -gt 10
	watched
}

off_in_the_end() {
	monitor_off
	off
}

[[ -d $MONITOR ]] || skip_all "a kernel without CONFIG_RV_MON_DM_RQ_SEQ"
at_exit eval "echo 0 >$MONITOR/enable"
set_default_mode drain_flush
LOAD_SECONDS=2
DISK=${NAME}n0
make_slow_nullb "$DISK"
make_loops_on "$DISK" 2
A=${LOOP_PATHS[0]}
B=${LOOP_PATHS[1]}
make_slow_nullb "${NAME}n1"
make_loops_on "${NAME}n1" 2
C=${LOOP_PATHS[0]}
D=${LOOP_PATHS[1]}
make_mpath "$ONE" queue_if_no_path "$A" "$B"

add_case "the monitor is off at first" off
add_case "it sees each step of a flush" a_flush
add_case "it knows nothing of a device that was there before" made_before
add_case "it knows all of a device that is made now" made_after
add_case "a flush that waits for a path" requeued
add_case "a flush that fails" failed
add_case "a barrier I/O that fails is not flushed" barrier_io_failed
add_case "devices come and go, and have the same number" come_and_go
add_case "two devices with file systems" two_devices
add_case "mode none: no sequence under load" without_sequence none
add_case "mode flush: no sequence under load" without_sequence flush
add_case "both lose paths, are suspended, change table and mode" disturbed
add_case "the monitor is turned on and off under load" turned_on_and_off
add_case "it can be turned off" off_in_the_end
add_case "the devices can be removed" forget_devices
run_cases
