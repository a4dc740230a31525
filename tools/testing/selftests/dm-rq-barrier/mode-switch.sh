#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything at once: ext4 under load while the ordered mode is switched in all
# six directions, the device suspended in both ways, and its table replaced.
# Nothing hangs, nothing is held for ever, no write is lost, and the file system
# is consistent in the end.
#
# timeout: 480
# mem: 1G
# packages: fio e2fsprogs xfsprogs
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-fs.sh
. "$(dirname "$0")/lib-fs.sh"

FIO_SIZE=2m
LOAD=
LOADS=0

start_load() {
	run_fio --do_verify=0 >"$WORK/load" &
	LOAD=$!
	LOADS=$((LOADS + 1))
}

end_load() {
	[[ -n $LOAD ]] || return
	expect_exit "fio" "$LOAD" 0
	[[ -z $CASE_FAILED ]] || msg "$(tail -n 20 "$WORK/load")"
	LOAD=
}

# keep_load: one is running when this returns
keep_load() {
	if [[ -n $LOAD ]] && process_ended "$LOAD"; then
		end_load
	fi
	[[ -n $LOAD ]] || start_load
}

# under_load TIMES COMMAND...
under_load() {
	local i

	mark
	for ((i = 0; i < $1; i++)); do
		keep_load
		"${@:2}" "$i"
		[[ -z $CASE_FAILED ]] || break
	done
	end_load
	expect_moved errors=0 rejected=0
	expect_is "held" "$(stat held)" 0
}

# From drain_flush to drain_flush by all directions.  A flush in each mode, so
# that the switch meets what the mode before has begun.
switch_mode() {
	local mode

	for mode in none flush none drain_flush flush drain_flush; do
		must set_mode "$mode"
		[[ $1 == at\ once ]] || flush_dm
	done
}

switch_at_once() {
	switch_mode "at once"
}

# The trace has all six, and there were sequences for them to meet.
all_directions() {
	trace_start dm_rq_barrier:dm_rq_barrier_mode
	under_load "$@"
	trace_stop
	expect_all_switches
	expect_num "sequences" "$(moved sequences)" -gt 0
}

suspend_resume() {
	local noflush=
	(($1 % 2)) && noflush=--noflush

	must dmsetup suspend ${noflush:+"$noflush"} "$NAME"
	must dmsetup resume "$NAME"
}

# replace_table I: the first path, the second, both
replace_table() {
	local noflush=
	(($1 % 2)) && noflush=--noflush

	case $(($1 % 3)) in
	0) set -- "$A" ;;
	1) set -- "$B" ;;
	2) set -- "$A" "$B" ;;
	esac
	reload_dm "$NAME" "$(rq_table queue_if_no_path "$@")" ${noflush:+"$noflush"}
}

# With all paths gone for a while.  Only a suspend without flushing leaves
# multipath waiting for paths.
everything() {
	switch_mode "$1"
	suspend_resume "$1"
	set_mode none
	replace_table "$1"
	suspend_resume "$1"
	set_mode drain_flush
	reload_dm "$NAME" "$(rq_table queue_if_no_path "$A" "$B")"
	path_message fail_path "$A"
	path_message fail_path "$B"
	switch_at_once
	reload_dm "$NAME" "$(rq_table queue_if_no_path "$A" "$B")" --noflush
}

data_is_right() {
	must umount "$MNT"
	must check_fs ext4
	must mount "$DMDEV" "$MNT" || return
	must run_fio --verify_only
	must umount "$MNT"
}

device_can_go() {
	must dmsetup remove --retry "$NAME"
}

make_loops 2 64
A=${LOOP_PATHS[0]}
B=${LOOP_PATHS[1]}
set_default_mode drain_flush
make_mpath "$NAME" "queue_if_no_path" "$A" "$B"
MNT=$WORK/mnt
mkdir "$MNT"
mkfs.ext4 -q -F "$DMDEV" || bail_out "no ext4"
mount "$DMDEV" "$MNT" || bail_out "ext4 cannot be mounted"
at_exit umount -l "$MNT"

add_case "the mode is switched in all directions under load" \
	all_directions 10 switch_mode
add_case "it is switched without a flush between" \
	all_directions 30 switch_at_once
add_case "the device is suspended under load" under_load 10 suspend_resume
add_case "the table is replaced under load" under_load 12 replace_table
add_case "all of that, with a path that fails" under_load 8 everything
add_case "what was written is right, the file system consistent" data_is_right
add_case "the device can be removed" device_can_go
run_cases
