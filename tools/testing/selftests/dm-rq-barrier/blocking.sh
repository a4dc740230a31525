#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Paths whose driver may sleep when it is given a request (P10).  A device is
# made for the paths of its first table: for paths that do not sleep it refuses
# others later.  Mode none refuses nothing, as stock device-mapper does, but
# then the device cannot leave that mode.
#
# No I/O is done while such a path is under a queue that does not fit: that
# makes the kernel report a bug, in mode none as on a stock kernel.
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

table_with() {
	rq_table "" "$1"
}

# The live table, as minor numbers of paths.
live_table_is() {
	expect_match "live table" "$(dmsetup table "$NAME")" " $(dev_of "$1") "
}

marked_blocking() {
	grep -q BLOCKING "/sys/kernel/debug/block/$DM/hctx0/flags"
}

plain_is_not_marked() {
	use_dm "$NAME"
	! marked_blocking || fail "$DM is marked for drivers that may sleep"
	must write_block A 1
	must flush_dm
}

load_is_refused() {
	use_dm "$NAME"
	must_fail "Invalid argument" dmsetup load "$NAME" --table "$(table_with "$SLEEPY")"
	expect_log "$(dev_of "$DM"): table load rejected: a path's driver may sleep"
	expect_log "remove the device and create it again"
	live_table_is "$PLAIN"
	must write_block B 1
	must flush_dm
}

mixed_load_is_refused() {
	use_dm "$NAME"
	must_fail "Invalid argument" dmsetup load "$NAME" \
		--table "$(rq_table "" "$PLAIN" "$SLEEPY")"
	must write_block A 1
	must flush_dm
}

fitting_load_is_accepted() {
	use_dm "$NAME"
	reload_dm "$NAME" "$(table_with "$PLAIN2")"
	live_table_is "$PLAIN2"
	must flush_dm
	reload_dm "$NAME" "$(table_with "$PLAIN")"
}

# Loaded in mode none, switched, and only then resumed: the table that was live
# stays.
mode_changes_after_load() {
	use_dm "$NAME"
	set_mode none
	must dmsetup load "$NAME" --table "$(table_with "$SLEEPY")"
	set_mode "$MODE"
	must dmsetup suspend "$NAME"
	must_fail "Invalid argument" dmsetup resume "$NAME"
	must dmsetup clear "$NAME"
	must dmsetup resume "$NAME"
	live_table_is "$PLAIN"
	expect_mode "after the resume" "$MODE"
	must write_block A 1
	must flush_dm
}

mode_none_accepts() {
	use_dm "$NAME"
	set_mode none
	reload_dm "$NAME" "$(table_with "$SLEEPY")"
	live_table_is "$SLEEPY"
	must_fail "Invalid argument" set_mode "$MODE"
	expect_mode "after the refusal" none
	expect_log "$(dev_of "$DM"): .*: a path's driver may sleep"
	reload_dm "$NAME" "$(table_with "$PLAIN")"
	must set_mode "$MODE"
	must flush_dm
}

# make_second TABLE
make_second() {
	must dmsetup create "${NAME}_2" --table "$1"
	use_dm "${NAME}_2"
}

first_table_sleeps() {
	make_second "$(table_with "$SLEEPY")"
	marked_blocking || fail "$DM is not marked for drivers that may sleep"
	must write_block A 1
	must flush_dm
	reload_dm "${NAME}_2" "$(table_with "$PLAIN")"
	must write_block A 1
	must flush_dm
	reload_dm "${NAME}_2" "$(table_with "$SLEEPY")"
	must flush_dm
	forget_dm "${NAME}_2"
}

first_table_sleeps_in_mode_none() {
	set_default_mode none
	make_second "$(table_with "$SLEEPY")"
	set_default_mode "$MODE"
	marked_blocking || fail "$DM is not marked for drivers that may sleep"
	must write_block A 1
	must flush_dm
	must set_mode "$MODE"
	must flush_dm
	expect_is "commands" "$(stat commands)" 1
	forget_dm "${NAME}_2"
}

first_table_has_no_path() {
	make_second "$(SECTORS=$(sectors_of "$SLEEPY") rq_table queue_if_no_path)"
	marked_blocking || fail "$DM is not marked for drivers that may sleep"
	reload_dm "${NAME}_2" "$(table_with "$SLEEPY")"
	must write_block A 1
	mark
	must flush_dm
	expect_moved commands=1 errors=0
	reload_dm "${NAME}_2" "$(table_with "$PLAIN")"
	must flush_dm
	forget_dm "${NAME}_2"
}

# A load that fails when the queue has been made leaves it: the next one is the
# first again.
first_load_failed() {
	must dmsetup create "${NAME}_2" --notable
	must_fail "Invalid argument" dmsetup load "${NAME}_2" \
		--table "$(SECTORS=9 table_with "$PLAIN")"
	expect_log "len=9 not aligned to h/w logical block size"
	must dmsetup load "${NAME}_2" --table "$(table_with "$SLEEPY")"
	must dmsetup resume "${NAME}_2"
	use_dm "${NAME}_2"
	marked_blocking || fail "$DM is not marked for drivers that may sleep"
	must write_block A 1
	must flush_dm
	forget_dm "${NAME}_2"
}

can_mark_blocking ||
	skip_all "this kernel's dm makes no queue for drivers that may sleep"
PLAIN=${NAME}n0
PLAIN2=${NAME}n1
SLEEPY=${NAME}n2
make_nullb "$PLAIN" memory_backed=0
make_nullb "$PLAIN2" memory_backed=0
make_cached_nullb "$SLEEPY"
make_mpath "$NAME" "" "$PLAIN"

add_case "paths that do not sleep: the queue is not marked" plain_is_not_marked
add_barrier_cases "a table with a path that may sleep is refused" load_is_refused
add_barrier_cases "so is a table that has such a path among others" \
	mixed_load_is_refused
add_barrier_cases "a table whose paths fit is accepted" fitting_load_is_accepted
add_barrier_cases \
	"a table loaded in mode none is looked at again when it gets live" \
	mode_changes_after_load
add_barrier_cases "mode none accepts it, and cannot be left" mode_none_accepts
add_barrier_cases "a first path that may sleep: any path fits" first_table_sleeps
add_barrier_cases "so it is in mode none, and the mode can be switched" \
	first_table_sleeps_in_mode_none
add_barrier_cases "a first table without paths: any path fits" \
	first_table_has_no_path
add_barrier_cases "a first table that fails does not count" first_load_failed
run_cases
