#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Order in mode drain_flush while paths fail and come back, the device is
# suspended in both ways, its table replaced and its mode switched, under the
# load of order.sh.  A program that knows nothing of dm judges a trace of it,
# what was written is right, and the file system on the device is consistent.
#
# timeout: 480
# smp-timeout: 1800
# mem: 1G
# packages: fio e2fsprogs xfsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-order.sh
. "$(dirname "$0")/lib-order.sh"

need_programs mkfs.xfs xfs_repair

# Each command that expect_order repeats is given the number of the time.
fail_and_reinstate() {
	local path

	for path; do
		path_message fail_path "$path"
	done
	for path; do
		path_message reinstate_path "$path"
	done
}

# With no path at all, requests wait in dm.
flap() {
	case $(($1 % 3)) in
	0) fail_and_reinstate "$A" ;;
	1) fail_and_reinstate "$B" ;;
	2) fail_and_reinstate "$A" "$B" ;;
	esac
}

# suspend_resume [OPTION] I: a moment during which nothing may be issued
suspend_resume() {
	must dmsetup suspend "${@:1:$#-1}" "$NAME" || return
	trace_mark suspended
	sleep 0.02
	trace_mark resumed
	must dmsetup resume "$NAME"
}

# replace_table [OPTION] I: the first path, the second, both
replace_table() {
	local paths=("$A" "$B")

	case $((${*: -1} % 3)) in
	0) paths=("$A") ;;
	1) paths=("$B") ;;
	esac
	reload_dm "$NAME" "$(rq_table queue_if_no_path "${paths[@]}")" \
		"${@:1:$#-1}"
}

round_or_end() {
	process_ended "$LOAD" || stat_above rounds "$1"
}

# From drain_flush away and back, in all the ways that there are.  Writes that
# another mode let go may be in flight then; no flush may be issued before them.
switch_mode() {
	local mode modes=("none" "flush" "none flush" "flush none")

	trace_mark ignore
	for mode in ${modes[$1 % 4]} drain_flush; do
		must set_mode "$mode"
	done
	trace_mark judge
}

switch_mode_and_flush() {
	switch_mode "$1"
	wait_for 30 round_or_end $(($(stat rounds) + 1)) || fail "no flush"
}

# Without paths only a suspend that does not flush leaves dm waiting for them.
everything() {
	path_message fail_path "$A"
	suspend_resume "$1"
	path_message fail_path "$B"
	suspend_resume --noflush "$1"
	switch_mode "$1"
	path_message reinstate_path "$B"
	switch_mode_and_flush "$1"
	replace_table --noflush "$1"
	replace_table 2
}

# fail_a_write PATH: the next one that it is given
fail_a_write() {
	inject "$1" "2 -1 0x2a 0x0f 0 0 0 0 0"
	wait_for 30 path_failed_or_end "$1" || fail "no write failed on $1"
	path_message reinstate_path "$1"
}

path_failed_or_end() {
	process_ended "$LOAD" || [[ $(path_state "$1") == F* ]]
}

writes_fail() {
	if (($1 % 2)); then
		fail_a_write "$A"
	else
		fail_a_write "$B"
	fi
}

# stress COMMAND...: beginning with both paths
stress() {
	replace_table 2
	expect_order "$@"
}

on_xfs() {
	forget_ordered
	FS=xfs
	FS_KB=$((320 * 1024))
	make_ordered queue_if_no_path "$A" "$B"
}

on_scsi() {
	forget_ordered
	make_scsi_paths 2
	A=${SCSI_PATHS[0]}
	B=${SCSI_PATHS[1]}
	echo 100000 >"$SDEBUG/ndelay" || fail "no delay"
	FS=ext4
	FS_KB=4096
	JOB_KB=512
	make_ordered queue_if_no_path "$A" "$B"
}

make_slow_nullb "${NAME}n0"
make_loops_on "${NAME}n0" 2
A=${LOOP_PATHS[0]}
B=${LOOP_PATHS[1]}
set_default_mode drain_flush
LOAD_SECONDS=2
make_ordered queue_if_no_path "$A" "$B"

add_case "paths fail and come back" stress flap
add_case "the device is suspended" stress suspend_resume
add_case "it is suspended without flushing" stress suspend_resume --noflush
add_case "its table is replaced" stress replace_table
add_case "its table is replaced without flushing" stress replace_table --noflush
add_case "its mode is switched" stress switch_mode_and_flush
add_case "all of that" stress everything
add_case "XFS" on_xfs
add_case "paths fail and come back under XFS" stress flap
add_case "all of that under XFS" stress everything
add_case "two paths through SCSI" on_scsi
add_case "writes fail on a path" injecting stress writes_fail
add_case "all of that through SCSI" stress everything
add_case "the device can be removed" forget_ordered
run_cases
