#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rounds on a disk with a volatile cache that can be cut off its power: a flush
# is one round and one command, and what was flushed before the power went is
# there when it comes back.  All that in mode flush and in mode drain_flush.  The
# disk's driver may sleep, so this is also the test for that (P10).
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
# written to other blocks is safe at once, so each case takes fresh ones, behind
# FIRST.
FIRST=0

fresh_blocks() {
	FIRST=$((FIRST + 100))
}

unflushed_is_lost() {
	fresh_blocks
	must write_block A "$((FIRST + 1))"
	must flush_dm
	must write_block B "$((FIRST + 2))"
	must write_block B "$((FIRST + 3))"
	expect_is "second block before the power cut" \
		"$(read_block "$((FIRST + 2))")" B
	power_cycle
	expect_is "first block, flushed" "$(read_block "$((FIRST + 1))")" A
	expect_is "second block, not flushed" "$(read_block "$((FIRST + 2))")" ""
	expect_is "third block, not flushed" "$(read_block "$((FIRST + 3))")" ""
}

flushed_survives() {
	local block

	fresh_blocks
	for block in {1..10}; do
		must write_block C "$((FIRST + block))"
	done
	mark
	must flush_dm
	expect_moved commands=1
	power_cycle
	for block in {1..10}; do
		expect_is "block $block" "$(read_block "$((FIRST + block))")" C
	done
}

# disk_has_fua 1|0: if it has it or not has to be said while it is off.  Where it
# cannot be said, it has it.
disk_has_fua() {
	[[ -e $NULLB_CONFIG/$DISK/fua ]] || {
		(($1)) || skip_case "null_blk of this kernel always has FUA"
		(($1))
		return
	}
	must dmsetup remove --retry "$DMNAME"
	power_cut "$DISK"
	echo "$1" >"$NULLB_CONFIG/$DISK/fua"
	power_on "$DISK"
	must dmsetup create "$DMNAME" --table "$(rq_table "" "$DISK")"
	use_dm "$DMNAME"
}

# fua_survives FUA ROUNDS: the device advertises FUA or not, and a FUA write
# takes so many rounds.
fua_survives() {
	fresh_blocks
	expect_is "$DM/queue/fua" "$(queue_attr "$DM" fua)" "$1"
	mark
	must write_fua 1 --offset="$((FIRST * 4))k" --buffer_pattern=0x44444444
	expect_moved rounds="$2"
	power_cycle
	expect_is "the block" "$(read_block "$FIRST")" D
}

with_fua() {
	disk_has_fua 1 || return
	fua_survives "$@"
}

without_fua() {
	disk_has_fua 0 || return
	fua_survives 0 1
}

many_flushes() {
	local pids=() pid i

	fresh_blocks
	mark
	for i in {1..40}; do
		write_block E "$((FIRST + i))" oflag=direct && flush_dm &
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
	expect_is "held" "$(stat held)" 0
	power_cycle
	for i in {1..40}; do
		expect_is "block $i" "$(read_block "$((FIRST + i))")" E
	done
}

queue_may_block() {
	can_mark_blocking || {
		skip_case "this kernel's dm makes no queue for drivers that may sleep"
		return
	}
	expect_match "flags of $DM" \
		"$(cat "/sys/kernel/debug/block/$DM/hctx0/flags")" BLOCKING
}

need_programs fio
DISK=${NAME}n0
make_cached_nullb "$DISK"
make_mpath "$NAME" "" "$DISK"

add_barrier_cases "a flush is one round and one command" flush_is_one_round
add_barrier_cases "a power cut loses what was not flushed" unflushed_is_lost
add_barrier_cases "a power cut does not lose what was flushed" flushed_survives
add_case "flush: a FUA write survives a power cut without a round" \
	with_mode flush with_fua 1 0
add_case "drain_flush: a FUA write survives a power cut by a round" \
	with_mode drain_flush with_fua 0 1
add_barrier_cases "a FUA write survives if the disk has no FUA" without_fua
add_barrier_cases "flushes of many writers succeed and cover their writes" \
	many_flushes
add_case "the queue is marked for drivers that may sleep" queue_may_block
run_cases
