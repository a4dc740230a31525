#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Flushes in statistics and traces: in each mode they count as flushes of the path
# and not as reads, and dm-stats counts them as writes of no sectors (P5).
# rq_barrier_stats says what an ordered sequence cost, and the tracepoints tell
# the story of rounds and sequences.
#
# What drains and holds takes is made certain by taking the path away: a request
# waits for one until the test gives it back.  The extra rounds are counted in
# sequence.sh.
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

# create_stats REGION...: prints its id
create_stats() {
	dmsetup message "$DMNAME" 0 "@stats_create $* drb"
}

delete_stats() {
	must dmsetup message "$DMNAME" 0 "@stats_delete $1"
}

# The numbers of fields
WRITES=2,6,8 # reads, writes and sectors written
TICKS=9      # time in writes
BUSY=10      # requests in flight

# dm_stats ID FIELDS: of each area
dm_stats() {
	dmsetup message "$DMNAME" 0 "@stats_print $1" | cut -d ' ' -f "$2"
}

dm_stats_region() {
	local id

	id=$(create_stats - /1)
	expect_match "id" "$id" '^[0-9]+$'
	expect_is "reads, writes, sectors at first" "$(dm_stats "$id" "$WRITES")" "0 0 0"
	must flush_dm
	must flush_dm
	expect_is "after two flushes" "$(dm_stats "$id" "$WRITES")" "0 2 0"
	must write_block A 1
	expect_is "and a write" "$(dm_stats "$id" "$WRITES")" "0 3 8"
	set_mode none
	must flush_dm
	expect_is "and a flush in mode none" "$(dm_stats "$id" "$WRITES")" "0 4 8"
	set_mode "$MODE"
	must flush_dm
	expect_is "and a flush in mode $MODE" "$(dm_stats "$id" "$WRITES")" "0 5 8"
	expect_is "requests in flight" "$(dm_stats "$id" "$BUSY")" 0
	delete_stats "$id"
}

# Times are those of the requests.  Nothing has taken longer than the guest may
# live, unlike the kernel's clock, which starts far off zero.
dm_stats_times() {
	local id milliseconds

	id=$(create_stats - /1)
	must write_block A 1
	must flush_dm
	milliseconds=$(dm_stats "$id" "$TICKS")
	expect_num "milliseconds in writes" "$milliseconds" -le 600000
	delete_stats "$id"
}

# With precise timestamps they are nanoseconds: of writes that follow each other no
# more than have passed.
dm_stats_precise_times() {
	local id began=${EPOCHREALTIME/./} nanoseconds passed i

	id=$(create_stats - /1 1 precise_timestamps)
	for ((i = 0; i < 4; i++)); do
		must write_block A "$i"
	done
	nanoseconds=$(dm_stats "$id" "$TICKS")
	passed=$(((${EPOCHREALTIME/./} - began) * 1000))
	expect_num "nanoseconds in writes" "$nanoseconds" -gt 0
	expect_num "nanoseconds in writes" "$nanoseconds" -le "$passed"
	delete_stats "$id"
}

# Regions that do not begin at 0, and areas: the first area has it.
dm_stats_areas() {
	local id

	id=$(create_stats 64+128 64)
	must flush_dm
	expect_is "both areas" "$(dm_stats "$id" "$WRITES" | tr '\n' ',')" "0 1 0,0 0 0,"
	delete_stats "$id"
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
	expect_event "round_start: $dev requests=1"
	expect_event "map: $dev path=$path issue"
	expect_event "clone_end: $dev path=$path error=0 done"
	expect_event "round_end: $dev requests=1 clones=1 error=0 ns=[0-9]+"
}

no_cache_events() {
	cache_type "$A" "temporary write through"
	trace_start dm_rq_barrier
	must flush_dm
	trace_stop
	expect_is "events" "$(events)" "round_start map round_end "
	expect_event "map: .* no cache"
	cache_type "$A" "temporary write back"
}

error_events() {
	inject_illegal_request "$A"
	trace_start dm_rq_barrier
	flush_dm
	trace_stop
	inject_nothing "$A"
	expect_event "clone_end: .* error=-121 done"
	expect_event "round_end: .* error=-95 "
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
	expect_event "map: .* path=0,0 delay"
	expect_event "requeue: .* requests=1 delay_ms=100"
	expect_match "events" "$(events)" \
		"^(round_start map round_end requeue )+round_start map clone_end round_end $"
}

mode_events() {
	local to

	set_mode none
	trace_start dm_rq_barrier
	for to in none flush none drain_flush flush drain_flush none; do
		set_mode "$to"
	done
	trace_stop
	expect_is "number of events" "$(events)" "$(printf 'mode %.0s' {1..6})"
	expect_all_switches
}

# --- what a sequence costs ----------------------------------------------------

# Nothing has a path until path_is_back.
path_is_gone() {
	must dmsetup message "$DMNAME" 0 queue_if_no_path
	path_message fail_path "$A"
	STARTED=()
	trace_start dm_rq_barrier block:block_rq_requeue
	mark
}

# path_is_back: and what was started ends well.
path_is_back() {
	local pid

	path_message reinstate_path "$A"
	for pid in "${STARTED[@]}"; do
		expect_exit "process $pid" "$pid" 0
	done
	trace_stop
	must dmsetup message "$DMNAME" 0 fail_if_no_path
}

# start_writes COUNT: one after the other, they have come to dm
start_writes() {
	local i

	for ((i = 0; i < $1; i++)); do
		write_block A "${#STARTED[@]}" &
		STARTED+=($!)
		wait_for 30 "${@:2}" $((i + 1)) || fail "write $i is not there"
	done
}

# Writes that wait in dm for a path
waiting_writes() {
	local dev

	dev=$(dev_of "$DM" | tr : ,)
	(($(trace_lines | grep "block_rq_requeue: $dev W" |
		grep -oE '[0-9]+ \+ [0-9]+' | sort -u | wc -l) == $1))
}

start_waiting_flush() {
	start_flush
	STARTED+=("$FLUSH")
	wait_for 30 "$@" || fail "the flush is not there"
}

idle_sequences() {
	local i

	mark
	for i in 1 2 3; do
		must flush_dm
	done
	expect_moved sequences=3 rounds=3 extra_rounds=0 drained=0 drain_ns=0
	expect_is "held" "$(stat held)" 0
	expect_num "hold_ns" "$(moved hold_ns)" -ge "$(moved round_ns)"
}

# A flush that comes after three writes waits for three.
drained_writes() {
	path_is_gone
	start_writes 3 waiting_writes
	start_waiting_flush held_is 1
	wait_for 30 trace_has "dm_rq_barrier_drain: .* writes=3" ||
		fail "no drain for three writes"
	expect_moved sequences=0 rounds=0 drained=3
	path_is_back
	expect_moved sequences=1 rounds=1 drained=3
	expect_num "drain_ns" "$(moved drain_ns)" -gt 0
	expect_num "hold_ns" "$(moved hold_ns)" -ge "$(moved drain_ns)"
	expect_is "held" "$(stat held)" 0
}

# Two writes that come after a flush are held, and go on after it.
held_writes() {
	path_is_gone
	start_waiting_flush stat_above requeues "${MARKS[requeues]}"
	expect_is "held" "$(stat held)" 0
	start_writes 2 held_is
	expect_is "held at most" "$(stat held_max)" 2
	expect_moved sequences=1 drained=0 hold_ns=0
	path_is_back
	expect_moved sequences=1 drained=0 extra_rounds=0
	expect_num "hold_ns" "$(moved hold_ns)" -gt 0
	expect_is "held" "$(stat held)" 0
	expect_is "held at most" "$(stat held_max)" 2
	expect_event "release: .* writes=2 held=0"
}

sequence_events() {
	local dev

	dev=$(dev_of "$DM" | tr : ,)
	trace_start dm_rq_barrier
	mark
	must flush_dm
	trace_stop
	expect_is "events" "$(events)" \
		"gate_close hold drained round_start map clone_end round_end gate_open "
	expect_event "gate_close: $dev sequence=$(stat sequences)\$"
	expect_event "hold: $dev flush 0 \\+ 0 held=1"
	expect_event "drained: $dev ns=0"
	expect_event "gate_open: $dev sequences=$(stat sequences) ns=$(moved hold_ns)\$"
}

# One write in front of the flush and one behind it
drain_and_hold_events() {
	local dev

	dev=$(dev_of "$DM" | tr : ,)
	path_is_gone
	start_writes 1 waiting_writes
	start_waiting_flush trace_has "dm_rq_barrier_drain:"
	write_block B 7 &
	STARTED+=($!)
	wait_for 30 held_is 2 || fail "the write is not held"
	path_is_back
	expect_is "events" "$(events | sed 's/round_start .* round_end/round/')" \
		"gate_close hold drain hold drained round release gate_open "
	expect_event "drain: $dev writes=1"
	expect_event "hold: $dev write 56 \\+ 8 held=2"
	expect_event "drained: $dev ns=$(moved drain_ns)\$"
	expect_event "release: $dev writes=1 held=0"
	expect_event "gate_open: $dev sequences=$(stat sequences) ns=$(moved hold_ns)\$"
}

# --- the file -----------------------------------------------------------------

COUNTERS=(rounds requests clones commands no_cache requeues errors rejected
	fua_writes round_ns sequences extra_rounds held held_max drained
	drain_ns hold_ns)

stats_format() {
	local file=/sys/block/$DM/dm/rq_barrier_stats

	expect_is "names" "$(cut -d ' ' -f 1 "$file" | paste -sd ' ')" \
		"${COUNTERS[*]}"
	expect_is "lines that are no counter" \
		"$(grep -vE '^[a-z_]+ [0-9]+$' "$file")" ""
	mark
	must write_block A 1
	must flush_dm
	expect_moved rounds=1
	expect_num "round_ns" "$(moved round_ns)" -gt 0
}

make_scsi_paths 1
A=${SCSI_PATHS[0]}
set_default_mode drain_flush
make_mpath "$NAME" "" "$A"

# First, as nothing has been held yet
add_case "two writes behind a flush: held, held_max and hold_ns" held_writes
add_barrier_cases "a flush counts as a flush of the path" flush_column
add_case "none: a flush counts as a flush of the path" \
	with_mode none flush_column
add_barrier_cases "a write counts as a write of the path" write_column
add_barrier_cases "the path's time in flushes is counted" flush_time
add_barrier_cases "a path without statistics stays without" no_iostats
add_barrier_cases "dm-stats: a flush is a write of no sectors" dm_stats_region
add_case "dm-stats: times are those of requests" dm_stats_times
add_case "dm-stats: so they are with precise timestamps" dm_stats_precise_times
add_barrier_cases "dm-stats: the first area of a region counts flushes" \
	dm_stats_areas
add_case "a round's events come in their order" with_mode flush round_events
add_case "a round without command shows why" with_mode flush no_cache_events
add_barrier_cases "events show errors, the path's and the round's" \
	injecting error_events
add_case "events show that a round has to be repeated" \
	with_mode flush requeue_events
add_case "events show a change of mode, and only that" mode_events
add_case "flushes of an idle device: sequences and hold_ns" \
	with_mode drain_flush idle_sequences
add_case "three writes in front of a flush: drained and drain_ns" \
	with_mode drain_flush drained_writes
add_case "a sequence's events come in their order" \
	with_mode drain_flush sequence_events
add_case "events show what is drained and what is held" \
	with_mode drain_flush drain_and_hold_events
add_case "rq_barrier_stats has a line for each counter" stats_format
run_cases
