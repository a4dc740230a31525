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
# Mode none, where the device advertises FUA as soon as one path knows it, is
# the control: there the test sees FUA writes that no flush makes up for.
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
	expect_moved rounds=20 commands=20 fua_writes=0 errors=0
}

# All on the path without FUA.
path_without_fua() {
	path_message fail_path "$A"
	traced_fua 20
	expect_num "writes to $LOOP" "$(issued "$LOOP" W)" -eq 20
	expect_num "flushes to $LOOP" "$(issued "$LOOP" FF)" -eq 20
	path_message reinstate_path "$A"
}

mode_none() {
	set_mode none
	expect_fua 1
	path_message fail_path "$A"
	traced_fua 20
	expect_num "FUA writes to $LOOP" "$(issued "$LOOP" WF)" -eq 20
	expect_num "flushes to $LOOP" "$(issued "$LOOP" FF)" -eq 0
	path_message reinstate_path "$A"
	set_mode flush
	expect_fua 0
}

# switched under a device that advertised FUA when a write was built: the
# interesting race, but what counts is that the new mode is right at once.
mode_none_and_back() {
	set_mode none
	set_mode flush
	path_without_fua
}

use_scsi_only() {
	cache_type "$A" "temporary write back"
	cache_type "$B" "temporary write back"
	reload_dm "$DMNAME" "$(rq_table "" "$A" "$B")"
	expect_fua 1
}

all_know_fua() {
	use_scsi_only
	mark
	traced_fua 10
	expect_num "flushes" "$(flushes_of_all "$A" "$B")" -eq 0
	expect_num "FUA writes" $(($(issued "$A" WF) + $(issued "$B" WF))) -eq 10
	expect_moved rounds=0 fua_writes=0
}

# A disk whose driver believes it to be write through has no FUA either.  The
# other path still reports a cache, so a command has to follow each write.
path_loses_fua() {
	local i

	use_scsi_only
	cache_type "$A" "temporary write through"
	expect_is "$A/queue/fua" "$(queue_attr "$A" fua)" 0
	expect_fua 1
	path_message fail_path "$B"
	mark
	traced_fua 10
	expect_moved fua_writes=10 rounds=10 commands=10 no_cache=0 errors=0
	expect_num "FUA writes to $A" "$(issued "$A" WF)" -eq 0
	expect_num "writes to $A" "$(issued "$A" W)" -eq 10
	expect_num "flushes to $A" "$(issued "$A" FF)" -eq 10
	expect_num "events" "$(trace_lines | grep -c 'dm_rq_barrier_fua:')" -eq 10
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
all_lose_fua() {
	use_scsi_only
	cache_type "$A" "temporary write through"
	cache_type "$B" "temporary write through"
	mark "$A" "$B"
	must write_fua 10
	expect_moved fua_writes=10 rounds=10 commands=0 no_cache=10 \
		"$A.flushes=0" "$B.flushes=0"
}

data_is_right() {
	local block

	use_scsi_only
	cache_type "$A" "temporary write through"
	for block in {41..46}; do
		must write_block F "$block" oflag=direct,dsync
	done
	for block in {41..46}; do
		expect_is "block $block" "$(read_block "$block")" F
	done
	expect_is "block 47" "$(read_block 47)" ""
}

many_writers() {
	local pids=() i pid

	use_scsi_only
	cache_type "$A" "temporary write through"
	path_message fail_path "$B"
	mark
	for i in {1..20}; do
		write_block G "$i" oflag=direct,dsync &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		expect_exit "writer $pid" "$pid" 0
	done
	# each FUA write, and the fsync behind it
	expect_moved fua_writes=20 errors=0
	expect_num "requests" "$(moved requests)" -ge 21
	expect_num "rounds" "$(moved rounds)" -le "$(moved requests)"
	for i in {1..20}; do
		expect_is "block $i" "$(read_block "$i")" G
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
set_default_mode flush
make_mpath $NAME "" "$LOOP" "$A"

add_case "one path lacks FUA: a flush follows each FUA write" mixed_paths
add_case "on the path without FUA: a flush follows each FUA write" \
	path_without_fua
add_case "mode none: FUA is advertised and no flush follows" mode_none
add_case "mode none and back: flushes again" mode_none_and_back
add_case "all paths know FUA: no flush follows" all_know_fua
add_case "a path loses FUA later: a flush follows each FUA write" path_loses_fua
add_case "a path loses FUA later: write and flush alternate" in_order
add_case "all paths lose FUA and cache later: no command follows" all_lose_fua
add_case "a path loses FUA later: the data is right" data_is_right
add_case "a path loses FUA later: concurrent FUA writes share rounds" many_writers
run_cases
