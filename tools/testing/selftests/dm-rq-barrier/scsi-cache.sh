#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A flush costs a command if and only if a path of the LUN has a volatile cache
# at that moment (R6).  The cache mode of a disk changes, by the disk, by its
# driver or by the administrator, after the table was loaded (P2, P3), and the
# paths of one LUN learn of that at different times.  In mode drain_flush that is
# part of what G6 asks for: there, too, the device has a cache for all to see.
# Mode none decides alike, without rounds.
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# views TYPE TYPE: what the kernel believes of the two paths
views() {
	cache_type "$A" "temporary $1"
	cache_type "$B" "temporary $2"
}

flush_4_times() {
	local i

	mark "$A" "$B"
	for i in {1..4}; do
		must flush_dm
	done
}

both_write_back() {
	views "write back" "write back"
	flush_4_times
	expect_moved rounds=4 commands=4 no_cache=0 errors=0
	expect_num "flushes of both paths" \
		$(($(moved "$A.flushes") + $(moved "$B.flushes"))) -eq 4
}

both_write_through() {
	views "write through" "write through"
	flush_4_times
	expect_moved rounds=4 commands=0 no_cache=4 errors=0 \
		"$A.flushes=0" "$B.flushes=0"
}

# Round-robin: four flushes use each path twice, whichever comes first.
one_write_back() {
	views "$1" "$2"
	flush_4_times
	expect_moved rounds=4 commands=4 no_cache=0 errors=0 \
		"$A.flushes=2" "$B.flushes=2"
}

# A write before each flush: all writes use one path and all flushes the other,
# and once more with the paths swapped.
one_write_back_after_writes() {
	local i path

	views "write back" "write through"
	for path in odd even; do
		mark "$A" "$B"
		for i in {1..3}; do
			must write_block A "$i"
			must flush_dm
		done
		expect_moved rounds=3 commands=3 no_cache=0
		expect_num "$path: flushes of both paths" \
			$(($(moved "$A.flushes") + $(moved "$B.flushes"))) -eq 3
		must write_block A 9
	done
}

# new_device TYPE: over paths of that type, in the default mode
new_device() {
	forget_dm "$DMNAME"
	views "$1" "$1"
	must dmsetup create "$DMNAME" --table "$(rq_table "" "$A" "$B")"
	use_dm "$DMNAME"
}

# flushes_issued WHAT EXPECTED: of two writes with an fsync each
flushes_issued() {
	trace_start block:block_rq_issue
	must write_block A 1 conv=fsync
	must write_block A 2 conv=fsync
	trace_stop
	expect_num "$1" $(($(issued "$A" FF) + $(issued "$B" FF))) -eq "$2"
}

turned_write_back() {
	new_device "write through"
	expect_is "$DM/queue/write_cache" "$(queue_attr "$DM" write_cache)" "write back"
	flushes_issued "flushes to write through paths" 0
	views "write back" "write back"
	mark
	flushes_issued "flushes to write back paths" 2
	expect_moved "$1" no_cache=0
}

# The paths turn, and then the mode.
turned_write_back_and_mode_changes() {
	local mode

	for mode in flush drain_flush; do
		set_mode none
		new_device "write through"
		flushes_issued "flushes to write through paths" 0
		views "write back" "write back"
		flushes_issued "flushes to paths that turned write back" 2
		set_mode "$mode"
		flushes_issued "flushes after a switch to mode $mode" 2
	done
}

# The disk itself changes, and only one path looks at it again.
changed_on_the_lun() {
	views "write through" "write through"
	flush_4_times
	expect_moved commands=0
	cache_type "$A" "write back"
	expect_is "$A/queue/write_cache" "$(queue_attr "$A" write_cache)" "write back"
	expect_is "$B/queue/write_cache" "$(queue_attr "$B" write_cache)" "write through"
	flush_4_times
	expect_moved commands=4
}

# override WORD: what the administrator says of both paths
override() {
	echo "$1" >"/sys/block/$A/queue/write_cache"
	echo "$1" >"/sys/block/$B/queue/write_cache"
}

administrators_word() {
	views "write back" "write back"
	override "write through"
	flush_4_times
	expect_moved commands=0 no_cache=4
	override "write back"
	flush_4_times
	expect_moved commands=4 no_cache=0
}

administrators_word_in_mode_none() {
	new_device "write back"
	flushes_issued "flushes to write back paths" 2
	override "write through"
	flushes_issued "flushes to paths said to be write through" 0
	override "write back"
	flushes_issued "flushes to paths said to be write back" 2
}

administrators_word_for_one() {
	views "write back" "write back"
	echo "write through" >"/sys/block/$1/queue/write_cache"
	flush_4_times
	expect_moved commands=4 no_cache=0
	override "write back"
}

make_scsi_paths 2
A=${SCSI_PATHS[0]}
B=${SCSI_PATHS[1]}
make_mpath "$NAME" "" "$A" "$B"

add_barrier_cases "write back paths: each flush is a command" both_write_back
add_barrier_cases "write through paths: no flush is a command" \
	both_write_through
add_barrier_cases "write back and write through: each flush is a command" \
	one_write_back "write back" "write through"
add_barrier_cases "write through and write back: each flush is a command" \
	one_write_back "write through" "write back"
add_barrier_cases "one write back path: so it is after writes, on either path" \
	one_write_back_after_writes
add_barrier_cases "paths that turn write back are flushed" turned_write_back \
	commands=2
add_case "none: paths that turn write back are flushed" \
	with_mode none turned_write_back rounds=0
add_case "none: so they are, before and after the mode changes" \
	with_mode none turned_write_back_and_mode_changes
add_barrier_cases \
	"a LUN that turns write back is flushed though one path missed it" \
	changed_on_the_lun
add_barrier_cases "queue/write_cache of the paths is followed" \
	administrators_word
add_case "none: queue/write_cache of the paths is followed" \
	with_mode none administrators_word_in_mode_none
add_barrier_cases \
	"write through by queue/write_cache on the first path only: flushed" \
	administrators_word_for_one "$A"
add_barrier_cases \
	"write through by queue/write_cache on the second path only: flushed" \
	administrators_word_for_one "$B"
run_cases
