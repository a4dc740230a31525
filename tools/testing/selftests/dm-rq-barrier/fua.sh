#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# FUA writes to paths of which some do not know FUA (P1).  A loop device has a
# volatile cache and ignores FUA, a scsi_debug disk knows it.  A FUA write is
# safe if its path knows FUA, or if a flush follows it.
#
# A synchronous write with O_DSYNC to a raw block device is followed by an fsync
# of the kernel's own, which hides the trouble; fio with libaio is used, which
# makes FUA writes and nothing else, as file systems do.
#
# Modes none and flush advertise FUA if all paths know it, and flush looks after
# paths that lose it.  Mode drain_flush never advertises it: a flush follows each
# FUA write, whatever the paths know.  Mode none is the control for paths that lose
# it: there the test sees FUA writes that no flush makes up for.
#
# packages: fio
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# traced_fua COUNT
traced_fua() {
	trace_start block:block_rq_issue dm_rq_barrier:dm_rq_barrier_fua
	must write_fua "$1"
	trace_stop
}

flushes_of_all() {
	local path sum=0

	for path; do
		sum=$((sum + $(issued "$path" FF)))
	done
	echo "$sum"
}

expect_fua() {
	expect_is "$DM/queue/fua" "$(queue_attr "$DM" fua)" "$1"
}

# Which path is used, round-robin decides.
mixed_paths() {
	expect_fua 0
	mark
	traced_fua 20
	expect_num "flushes" "$(flushes_of_all "$LOOP" "$A")" -eq 20
	expect_num "FUA writes to $LOOP" "$(issued "$LOOP" WF)" -eq 0
	expect_moved rounds="$1" fua_writes=0 errors=0
}

# All on the path without FUA.
path_without_fua() {
	path_message fail_path "$A"
	traced_fua 20
	expect_num "writes to $LOOP" "$(issued "$LOOP" W)" -eq 20
	expect_num "flushes to $LOOP" "$(issued "$LOOP" FF)" -eq 20
	path_message reinstate_path "$A"
}

# The mode that was set last counts at once: already the first FUA write after the
# switch is followed by a flush.
mode_none_and_back() {
	set_mode none
	set_mode "$MODE"
	path_without_fua
}

use_scsi_only() {
	cache_type "$A" "temporary write back"
	cache_type "$B" "temporary write back"
	reload_dm "$DMNAME" "$(rq_table "" "$A" "$B")"
	expect_fua "$([[ $MODE == drain_flush ]] && echo 0 || echo 1)"
}

all_know_fua() {
	use_scsi_only
	mark
	traced_fua 10
	expect_num "flushes" "$(flushes_of_all "$A" "$B")" -eq 0
	expect_num "FUA writes" $(($(issued "$A" WF) + $(issued "$B" WF))) -eq 10
	expect_moved rounds=0 fua_writes=0
}

# The block layer takes FUA away before dm sees it, and each post-flush is a
# sequence of its own.
fua_not_advertised() {
	use_scsi_only
	mark
	traced_fua 10
	expect_num "flushes" "$(flushes_of_all "$A" "$B")" -eq 10
	expect_num "FUA writes" $(($(issued "$A" WF) + $(issued "$B" WF))) -eq 0
	expect_moved rounds=10 sequences=10 fua_writes=0
}

# A disk whose driver believes it to be write through has no FUA either.  The
# other path still reports a cache, so a command has to follow each write.
# path_loses_fua FUA_WRITES: those that dm has to look after itself
path_loses_fua() {
	use_scsi_only
	cache_type "$A" "temporary write through"
	expect_is "$A/queue/fua" "$(queue_attr "$A" fua)" 0
	path_message fail_path "$B"
	mark
	traced_fua 10
	expect_moved fua_writes="$1" rounds=10 commands=10 no_cache=0 errors=0
	expect_num "FUA writes to $A" "$(issued "$A" WF)" -eq 0
	expect_num "writes to $A" "$(issued "$A" W)" -eq 10
	expect_num "flushes to $A" "$(issued "$A" FF)" -eq 10
	expect_num "events" "$(trace_lines | grep -c 'dm_rq_barrier_fua:')" \
		-eq "$1"
	path_message reinstate_path "$B"
}

# Nobody looks after them in mode none.
path_loses_fua_in_mode_none() {
	use_scsi_only
	cache_type "$A" "temporary write through"
	path_message fail_path "$B"
	traced_fua 10
	expect_num "FUA writes to $A" "$(issued "$A" WF)" -eq 10
	expect_num "flushes to $A" "$(issued "$A" FF)" -eq 0
	path_message reinstate_path "$B"
}

# The mode, and with it what the device advertises, is switched after FUA was
# taken for granted: what dm has to look after goes back to the block layer.
path_loses_fua_and_mode_changes() {
	path_loses_fua 10
	set_mode drain_flush
	expect_fua 0
	path_message fail_path "$B"
	mark
	traced_fua 10
	expect_moved fua_writes=0 rounds=10 sequences=10 commands=10 errors=0
	path_message reinstate_path "$B"
}

# Each write is followed by its flush before the next one starts.
in_order() {
	local order

	use_scsi_only
	cache_type "$A" "temporary write through"
	path_message fail_path "$B"
	traced_fua 5
	order=$(trace_lines | grep "block_rq_issue: $(dev_of "$A" | tr : ,)" |
		sed 's/.*: [0-9]*,[0-9]* \(W\|FF\).*/\1/' | tr '\n' ' ')
	expect_is "order of requests" "$order" "W FF W FF W FF W FF W FF "
	path_message reinstate_path "$B"
}

# No cache anywhere: the round finds that out, and sends nothing.
# all_lose_fua FUA_WRITES: those that dm has to look after itself
all_lose_fua() {
	use_scsi_only
	cache_type "$A" "temporary write through"
	cache_type "$B" "temporary write through"
	mark "$A" "$B"
	must write_fua 10
	expect_moved fua_writes="$1" rounds=10 commands=0 no_cache=10 \
		"$A.flushes=0" "$B.flushes=0"
}

data_is_right() {
	local block letter=${MODE:0:1}

	use_scsi_only
	cache_type "$A" "temporary write through"
	for block in {41..46}; do
		must write_block "$letter" "$block" oflag=direct,dsync
	done
	for block in {41..46}; do
		expect_is "block $block" "$(read_block "$block")" "$letter"
	done
	expect_is "block 47" "$(read_block 47)" ""
}

# many_writers FUA_WRITES: of 20, those that dm has to look after itself
many_writers() {
	local pids=() i pid letter=${MODE:0:1}

	use_scsi_only
	cache_type "$A" "temporary write through"
	path_message fail_path "$B"
	mark
	for i in {1..20}; do
		write_block "$letter" "$i" oflag=direct,dsync &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		expect_exit "writer $pid" "$pid" 0
	done
	# each FUA write, and the fsync behind it
	expect_moved fua_writes="$1" errors=0
	expect_num "requests" "$(moved requests)" -gt "$1"
	expect_num "rounds" "$(moved rounds)" -le "$(moved requests)"
	expect_is "held" "$(stat held)" 0
	for i in {1..20}; do
		expect_is "block $i" "$(read_block "$i")" "$letter"
	done
	path_message reinstate_path "$B"
}

need_programs fio
make_scsi_paths 2
A=${SCSI_PATHS[0]}
B=${SCSI_PATHS[1]}
make_loops 1 "$(($(sectors_of "$A") / 2048))"
LOOP=${LOOP_PATHS[0]}
SECTORS=$(smallest "$LOOP" "$A")
make_mpath "$NAME" "" "$LOOP" "$A"

add_barrier_cases "one path lacks FUA: a flush follows each FUA write" \
	mixed_paths 20
add_case "none: one path lacks FUA: a flush follows each FUA write" \
	with_mode none mixed_paths 0
add_barrier_cases "on the path without FUA: a flush follows each FUA write" \
	path_without_fua
add_barrier_cases "after mode none: flushes again" mode_none_and_back
add_case "none: all paths know FUA, no flush follows" with_mode none all_know_fua
add_case "flush: all paths know FUA, no flush follows" \
	with_mode flush all_know_fua
add_case "drain_flush: all paths know FUA, a flush follows each FUA write" \
	with_mode drain_flush fua_not_advertised
add_case "flush: a path loses FUA later, a flush follows each FUA write" \
	with_mode flush path_loses_fua 10
add_case "drain_flush: so it does, and dm has no FUA write to look after" \
	with_mode drain_flush path_loses_fua 0
add_case "none: a path loses FUA later, and no flush follows" \
	with_mode none path_loses_fua_in_mode_none
add_case "a path loses FUA, and mode flush changes to drain_flush" \
	with_mode flush path_loses_fua_and_mode_changes
add_barrier_cases "a path loses FUA later: write and flush alternate" in_order
add_case "flush: all paths lose FUA and cache later, no command follows" \
	with_mode flush all_lose_fua 10
add_case "drain_flush: all paths lose FUA and cache later, no command follows" \
	with_mode drain_flush all_lose_fua 0
add_barrier_cases "a path loses FUA later: the data is right" data_is_right
add_case "flush: a path loses FUA later, concurrent FUA writes share rounds" \
	with_mode flush many_writers 20
add_case "drain_flush: concurrent FUA writes share rounds" \
	with_mode drain_flush many_writers 0
run_cases
