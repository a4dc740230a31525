#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rounds on a disk with a volatile cache that can be cut off its power: a flush
# is one round and one command, and what was flushed before the power went is
# there when it comes back.  The disk's driver may sleep, so this is also the
# test for that (P10).
#
# packages: fio
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Cut the power under the multipath device, and build it again.
power_cycle() {
	power_cut "$DISK"
	must dmsetup remove --retry "$DMNAME"
	power_on "$DISK"
	must dmsetup create "$DMNAME" --table "$(rq_table "" "$DISK")"
	use_dm "$DMNAME"
}

flush_is_one_round() {
	mark "$DISK"
	must flush_dm
	expect_moved rounds=1 requests=1 clones=1 commands=1 no_cache=0 \
		requeues=0 errors=0 rejected=0 "$DISK.flushes=1"
}

# The cache of null_blk keeps blocks that the disk has never stored.  What is
# written to other blocks is safe at once, so this takes fresh ones.
unflushed_is_lost() {
	must write_block A 1
	must flush_dm
	must write_block B 2
	must write_block B 3
	expect_is "block 2 before the power cut" "$(read_block 2)" B
	power_cycle
	expect_is "block 1, flushed" "$(read_block 1)" A
	expect_is "block 2, not flushed" "$(read_block 2)" ""
	expect_is "block 3, not flushed" "$(read_block 3)" ""
}

flushed_survives() {
	local block

	for block in {10..19}; do
		must write_block C "$block"
	done
	mark
	must flush_dm
	expect_moved commands=1
	power_cycle
	for block in {10..19}; do
		expect_is "block $block" "$(read_block "$block")" C
	done
}

# fua_survives BLOCK ROUNDS
fua_survives() {
	mark
	must write_fua 1 --offset="$(($1 * 4))k" --buffer_pattern=0x44444444
	expect_moved rounds="$2"
	power_cycle
	expect_is "block $1" "$(read_block "$1")" D
}

without_fua() {
	must dmsetup remove --retry "$DMNAME"
	power_cut "$DISK"
	echo 0 >"$NULLB_CONFIG/$DISK/fua"
	power_on "$DISK"
	must dmsetup create "$DMNAME" --table "$(rq_table "" "$DISK")"
	use_dm "$DMNAME"
	expect_is "$DM/queue/fua" "$(queue_attr "$DM" fua)" 0
	fua_survives 60 1
}

many_flushes() {
	local pids=() pid i

	mark
	for i in {1..40}; do
		write_block E "$i" oflag=direct && flush_dm &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		expect_exit "writer $pid" "$pid" 0
	done
	expect_moved errors=0 requeues=0
	expect_num "rounds" "$(moved rounds)" -ge 1
	expect_num "rounds" "$(moved rounds)" -le 40
	expect_num "requests" "$(moved requests)" -ge "$(moved rounds)"
	expect_num "commands" "$(moved commands)" -eq "$(moved rounds)"
	power_cycle
	for i in {1..40}; do
		expect_is "block $i" "$(read_block "$i")" E
	done
}

queue_may_block() {
	expect_match "flags of $DM" \
		"$(cat "/sys/kernel/debug/block/$DM/hctx0/flags")" BLOCKING
}

need_programs fio
set_default_mode flush
DISK=${NAME}n0
make_cached_nullb "$DISK"
make_mpath "$NAME" "" "$DISK"

add_case "a flush is one round and one command" flush_is_one_round
add_case "a power cut loses what was not flushed" unflushed_is_lost
add_case "a power cut does not lose what was flushed" flushed_survives
add_case "a FUA write survives a power cut without a round" fua_survives 50 0
add_case "a FUA write survives if the disk has no FUA" without_fua
add_case "flushes of many writers succeed and cover their writes" many_flushes
add_case "the queue is marked for drivers that may sleep" queue_may_block
run_cases
