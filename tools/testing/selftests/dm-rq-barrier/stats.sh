#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flushes in statistics and traces: they count as flushes of the path and not as
# reads (P5), dm-stats counts them as writes of no sectors, and the tracepoints
# tell the story of a round.  Mode none is the control for P5.
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

flush_column() {
	local i

	mark "$A"
	for i in 1 2 3; do
		must flush_dm
	done
	expect_moved "$A.flushes=3" "$A.reads=0" "$A.writes=0"
}

flush_column_in_mode_none() {
	set_mode none
	mark "$A"
	must flush_dm
	must flush_dm
	expect_moved "$A.flushes=0" "$A.reads=2" "$A.writes=0"
	set_mode flush
}

write_column() {
	mark "$A"
	must write_block A 1
	expect_moved "$A.flushes=0" "$A.reads=0" "$A.writes=1"
}

# Not only counted: the time that flushes took is there, too.  With a delay of
# any length scsi_debug takes 50 ms for a flush after a write.
flush_time() {
	local before after

	read -ra before <"/sys/block/$A/stat"
	echo 1 >"$SDEBUG/delay"
	must write_block A 1
	must flush_dm
	echo 0 >"$SDEBUG/delay"
	read -ra after <"/sys/block/$A/stat"
	expect_num "milliseconds in flushes" \
		$((after[16] - before[16])) -ge 40
}

# Somebody switched the path's statistics off.
no_iostats() {
	echo 0 >"/sys/block/$A/queue/iostats"
	mark "$A"
	must flush_dm
	expect_moved commands=1 "$A.flushes=0" "$A.reads=0"
	echo 1 >"/sys/block/$A/queue/iostats"
}

# dm_stats ID: reads, writes and sectors written of the whole device
dm_stats() {
	dmsetup message "$DMNAME" 0 "@stats_print $1" | awk '{ print $2, $6, $8 }'
}

dm_stats_region() {
	local id

	id=$(dmsetup message "$DMNAME" 0 "@stats_create - /1 drb")
	expect_match "id" "$id" '^[0-9]+$'
	expect_is "reads, writes, sectors at first" "$(dm_stats "$id")" "0 0 0"
	must flush_dm
	must flush_dm
	expect_is "after two flushes" "$(dm_stats "$id")" "0 2 0"
	must write_block A 1
	expect_is "and a write" "$(dm_stats "$id")" "0 3 8"
	set_mode none
	must flush_dm
	expect_is "and a flush in mode none" "$(dm_stats "$id")" "0 3 8"
	set_mode flush
	must flush_dm
	expect_is "and a flush in mode flush" "$(dm_stats "$id")" "0 4 8"
	expect_is "requests in flight" "$(dmsetup message "$DMNAME" 0 \
		"@stats_print $id" | awk '{ print $10 }')" 0
	must dmsetup message "$DMNAME" 0 "@stats_delete $id"
}

# Regions that do not begin at 0, and areas: the first area has it.
dm_stats_areas() {
	local id

	id=$(dmsetup message "$DMNAME" 0 "@stats_create 64+128 64 drb")
	must flush_dm
	expect_is "both areas" "$(dm_stats "$id" | tr '\n' ',')" "0 1 0,0 0 0,"
	must dmsetup message "$DMNAME" 0 "@stats_delete $id"
}

# events: the round's events, the first word after the common prefix
events() {
	trace_lines | grep -o 'dm_rq_barrier_[a-z_]*:' |
		sed 's/dm_rq_barrier_//; s/:$//' | tr '\n' ' '
}

round_events() {
	local dev path

	dev=$(dev_of "$DM" | tr : ,)
	path=$(dev_of "$A" | tr : ,)
	trace_start dm_rq_barrier
	must flush_dm
	trace_stop
	expect_is "events" "$(events)" "round_start map clone_end round_end "
	trace_has "round_start: $dev requests=1"
	trace_has "map: $dev path=$path issue"
	trace_has "clone_end: $dev path=$path error=0 done"
	trace_has "round_end: $dev requests=1 clones=1 error=0 ns=[0-9]+"
}

# trace_has REGEX
trace_has() {
	trace_lines | grep -qE "dm_rq_barrier_$1" || {
		fail "no event \"$1\" in"
		msg "$(trace_lines)"
	}
}

no_cache_events() {
	cache_type "$A" "temporary write through"
	trace_start dm_rq_barrier
	must flush_dm
	trace_stop
	expect_is "events" "$(events)" "round_start map round_end "
	trace_has "map: .* no cache"
	cache_type "$A" "temporary write back"
}

error_events() {
	inject_illegal_request "$A"
	trace_start dm_rq_barrier
	flush_dm
	trace_stop
	inject_nothing "$A"
	trace_has "clone_end: .* error=-121 done"
	trace_has "round_end: .* error=-95 "
}

requeue_events() {
	local before

	must dmsetup message "$DMNAME" 0 queue_if_no_path
	path_message fail_path "$A"
	before=$(stat requeues)
	trace_start dm_rq_barrier
	start_flush
	wait_for 30 stat_above requeues "$before" || fail "no requeue"
	path_message reinstate_path "$A"
	expect_exit "the flush" "$FLUSH" 0
	trace_stop
	must dmsetup message "$DMNAME" 0 fail_if_no_path
	trace_has "map: .* path=0,0 delay"
	trace_has "requeue: .* requests=1 delay_ms=100"
	expect_match "events" "$(events)" \
		"^(round_start map round_end requeue )+round_start map clone_end round_end $"
}

mode_events() {
	trace_start dm_rq_barrier
	set_mode none
	set_mode none
	set_mode flush
	trace_stop
	expect_is "events" "$(events)" "mode mode "
	trace_has "mode: .* none -> flush"
	trace_has "mode: .* flush -> none"
}

FORMAT='^rounds [0-9]+
requests [0-9]+
clones [0-9]+
commands [0-9]+
no_cache [0-9]+
requeues [0-9]+
errors [0-9]+
rejected [0-9]+
fua_writes [0-9]+
round_ns [0-9]+$'

stats_format() {
	expect_match "rq_barrier_stats" \
		"$(cat "/sys/block/$DM/dm/rq_barrier_stats")" "$FORMAT"
	mark
	must write_block A 1
	must flush_dm
	expect_moved rounds=1
	expect_num "round_ns" "$(moved round_ns)" -gt 0
}

make_scsi_paths 1
A=${SCSI_PATHS[0]}
set_default_mode flush
make_mpath "$NAME" "" "$A"

add_case "a flush counts as a flush of the path" flush_column
add_case "mode none: a flush counts as a read of the path" \
	flush_column_in_mode_none
add_case "a write counts as a write of the path" write_column
add_case "the path's time in flushes is counted" flush_time
add_case "a path without statistics stays without" no_iostats
add_case "dm-stats: a flush is a write of no sectors" dm_stats_region
add_case "dm-stats: the first area of a region counts flushes" dm_stats_areas
add_case "a round's events come in their order" round_events
add_case "a round without command shows why" no_cache_events
add_case "events show errors, the path's and the round's" error_events
add_case "events show that a round has to be repeated" requeue_events
add_case "events show a change of mode, and only that" mode_events
add_case "rq_barrier_stats has ten numbers" stats_format
run_cases
