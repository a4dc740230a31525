#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Memory that nobody gives back: devices come and go in all modes, are flushed,
# fail, get tables that do not fit, are disturbed under load and removed by
# force, and allocations fail in turn.  Then kmemleak looks for what nobody has
# a pointer to any more.
#
# timeout: 900
# mem: 1G
# uml: kmemleak=on scsi_debug.dev_size_mb=64
# packages: fio e2fsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_programs fio mkfs.ext4 python3

KMEMLEAK=/sys/kernel/debug/kmemleak
PRESSURE=$PWD/pressure.py
DISTURB=$PWD/disturb.py
FAIL_NTH=$PWD/fail_nth.py
STOP=$WORK/stop
MNT=$WORK/mnt

# --- kmemleak -----------------------------------------------------------------

# In seconds, since the start
uptime_is_past() {
	local uptime

	read -r uptime _ </proc/uptime
	((${uptime%.*} > $1))
}

# wait_seconds SECONDS: at least so many
wait_seconds() {
	local uptime

	read -r uptime _ </proc/uptime
	wait_for $(($1 + 60)) uptime_is_past $((${uptime%.*} + $1)) ||
		fail "the time stands still"
}

# It says nothing of what is younger than 5 s (MSECS_MIN_AGE), or has changed
# since it has looked before.  Memory given back by RCU is gone by then.
scan() {
	wait_seconds 5
	for _ in 1 2 3; do
		echo scan >"$KMEMLEAK" || fail "kmemleak was switched off"
	done
}

# What it has found that device-mapper may have to do with.  A report that does
# not say who has allocated the memory may be about anybody.
found() {
	awk '
	function show() {
		if (report && (ours || !frames))
			printf "%s", report
		report = ""
		ours = frames = trace = 0
	}
	/^unreferenced object/ { show() }
	{ report = report $0 "\n" }
	trace { frames++ }
	trace && /[^a-z]dm_|multipath/ { ours = 1 }
	/^ *backtrace/ { trace = 1 }
	END { show() }' "$KMEMLEAK"
}

# without_leaks COMMAND...
without_leaks() {
	local leaks

	"$@"
	scan
	leaks=$(found)
	[[ -z $leaks ]] || fail "$(head -n 100 <<<"$leaks")"
	echo clear >"$KMEMLEAK"
}

# --- what may leak ------------------------------------------------------------

# A file system has barriers of all kinds; fio has blocks behind it.
use() {
	must mkfs.ext4 -q -F "$DMDEV" 16M
	must mount "$DMDEV" "$MNT"
	must touch "$MNT/file"
	must sync "$MNT/file"
	must umount "$MNT"
	must write_block L 8000
	must flush_dm
	must write_fua 4 --offset=24m
}

use_and_remove() {
	make_mpath "$NAME" "" "$@"
	use
	forget_dm "$NAME"
}

come_and_go() {
	local i mode

	for i in {1..5}; do
		for mode in none flush drain_flush; do
			set_default_mode "$mode"
			use_and_remove "${SCSI_PATHS[@]}"
			use_and_remove "${NAME}n"
		done
	done
}

# From each mode to each other, and removed in each
modes_change() {
	local first mode

	for first in none flush drain_flush; do
		set_default_mode "$first"
		make_mpath "$NAME" "" "${SCSI_PATHS[@]}"
		for mode in none flush none drain_flush flush drain_flush \
			none "$first"; do
			must set_mode "$mode"
			must flush_dm
		done
		must_fail "" set_mode nonsense
		forget_dm "$NAME"
	done
}

# A device that never got a table, one whose table was never used, one whose
# first table was refused, and one with paths that do not fit its queue
tables_are_refused() {
	local i

	set_default_mode drain_flush
	for i in {1..5}; do
		must dmsetup create "$NAME" --notable
		must_fail "" dmsetup load "$NAME" --table "0 8 multipath nonsense"
		must dmsetup load "$NAME" \
			--table "$(rq_table "" "${SCSI_PATHS[@]}")"
		must_fail "" dmsetup load "$NAME" --table "0 8 multipath 1 x"
		must dmsetup remove "$NAME"
		must_fail "" dmsetup create "$NAME" --table \
			"$(rq_table "" "${SCSI_PATHS[0]}" | sed 's/ 1$/ x/')"
		make_mpath "$NAME" "" "${SCSI_PATHS[@]}"
		! can_mark_blocking || must_fail "" dmsetup load "$NAME" \
			--table "$(rq_table "" "${NAME}n")"
		must flush_dm
		forget_dm "$NAME"
	done
}

# A path fails, the disk rejects the flush, no path is left
flushes_fail() {
	local path

	for path in "${SCSI_PATHS[@]}"; do
		inject_illegal_request "$path"
	done
	make_mpath "$NAME" "" "${SCSI_PATHS[@]}"
	flush_dm
	expect_num "rejected" "$(stat rejected)" -gt 0
	inject_nothing "${SCSI_PATHS[0]}"
	inject_nothing "${SCSI_PATHS[1]}"
	for path in "${SCSI_PATHS[@]}"; do
		inject_transport_error "$path" -2
	done
	must_fail "" flush_dm
	must_fail "" flush_dm
	expect_num "errors" "$(stat errors)" -gt 0
	for path in "${SCSI_PATHS[@]}"; do
		inject_nothing "$path"
	done
	forget_dm "$NAME"
}

errors() {
	local mode

	for mode in flush drain_flush; do
		set_default_mode "$mode"
		flushes_fail
	done
}

commas() {
	local IFS=,

	echo "$*"
}

start_writers() {
	rm -f "$STOP"
	mark
	"$PRESSURE" blocks "$DMDEV" "$STOP" &
	WRITERS=$!
}

some_rounds() {
	wait_for 60 stat_above rounds $((MARKS[rounds] + 200)) ||
		fail "no rounds"
}

# Suspends, reloads, messages, modes, paths
disturbed() {
	local disturber

	set_default_mode drain_flush
	make_mpath "$NAME" queue_if_no_path "${SCSI_PATHS[@]}"
	start_writers
	"$DISTURB" "$STOP" "$NAME:$DM:$(commas "${SCSI_PATHS[@]}")" &
	disturber=$!
	wait_seconds 10
	some_rounds
	touch "$STOP"
	expect_exit "disturb.py" "$disturber" 0
	expect_exit "the writers" "$WRITERS" 0
	expect_is "held" "$(stat held)" 0
	forget_dm "$NAME"
}

# With requests in line and in flight
removed_by_force() {
	local mode path

	for mode in flush drain_flush; do
		set_default_mode "$mode"
		make_mpath "$NAME" queue_if_no_path "${SCSI_PATHS[@]}"
		start_writers
		some_rounds
		for path in "${SCSI_PATHS[@]}"; do
			path_message fail_path "$path"
		done
		# nobody else may be using it any more
		exec 3<"$DMDEV"
		must_fail "busy" dmsetup remove --force "$NAME"
		exec 3<&-
		expect_exit "the writers" "$WRITERS" fails
		forget_dm "$NAME"
	done
}

each_allocation_fails() {
	local injector mode

	for injector in /sys/kernel/debug/{failslab,fail_page_alloc}; do
		if [[ ! -d $injector ]]; then
			skip_case "no fault injection"
			return
		fi
		echo N >"$injector/ignore-gfp-wait"
	done
	echo N >"$injector/ignore-gfp-highmem"
	echo 0 >"$injector/min-order"
	for mode in none drain_flush; do
		set_default_mode "$mode"
		make_mpath "$NAME" queue_if_no_path "${SCSI_PATHS[@]}"
		must "$FAIL_NTH" "${NAME}_new" \
			"$NAME:$DM:$(commas "${SCSI_PATHS[@]}")"
		forget_dm "$NAME"
	done
}

echo clear 2>/dev/null >"$KMEMLEAK" || skip_all "no kmemleak"
echo scan 2>/dev/null >"$KMEMLEAK" || skip_all "no kmemleak=on"
mkdir "$MNT"
at_exit umount -l "$MNT"
make_scsi_paths 2
make_cached_nullb "${NAME}n"

add_case "nothing is found that was there before" without_leaks :
add_case "devices are used and removed in each mode" without_leaks come_and_go
add_case "modes are switched" without_leaks modes_change
add_case "tables are refused" without_leaks tables_are_refused
add_case "flushes fail" injecting without_leaks errors
add_case "a device is disturbed under load" without_leaks disturbed
add_case "devices are removed by force" without_leaks removed_by_force
add_case "each allocation fails in turn" without_leaks each_allocation_fails
run_cases
