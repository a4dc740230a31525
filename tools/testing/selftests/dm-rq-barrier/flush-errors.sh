#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What becomes of a flush whose command fails.  A path error costs the path and
# not the flush (R3, R4); a flush that the disk rejects is -EOPNOTSUPP for the
# submitter, never silent success (R4a); without paths a flush fails or waits,
# as the table says, and waiting costs next to nothing.  All that with and without
# an ordered sequence around the flush.
#
# The kernel's fsync of a raw block device turns -EOPNOTSUPP into success
# (blkdev_fsync()), so rejections are looked for with FUA writes, to a device
# that has no FUA, and with an fsync of ext4.
#
# packages: e2fsprogs
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

both_paths() {
	inject_nothing "$A"
	inject_nothing "$B"
	reload_dm "$DMNAME" "$(rq_table "$1" "$A" "$B")"
	mark "$A" "$B"
}

# Only two flushes make sure that one of them meets path A.  A path that is offline
# fails the command without having taken it.
one_path_fails() {
	local taken=1

	can_inject || taken=0
	both_paths ""
	inject_transport_error "$A"
	must flush_dm
	must flush_dm
	expect_is "path A" "$(path_state "$A")" "F 1"
	expect_is "path B" "$(path_state "$B")" "A 0"
	expect_moved errors=0 requeues=1 rejected=0 rounds=3 \
		"commands=$((2 + taken))" "$A.flushes=$taken" "$B.flushes=2"
	inject_nothing "$A"
	path_message reinstate_path "$A"
	mark "$A"
	must flush_dm
	must flush_dm
	expect_moved requeues=0 "$A.flushes=1"
}

all_paths_fail() {
	both_paths ""
	inject_transport_error "$A"
	inject_transport_error "$B"
	# the last path's own error, or that it is offline
	must_fail "severed|Input/output error" flush_dm
	expect_moved errors=1 rejected=0
	paths_failed "$A" "$B" || fail "not all paths failed"
	must_fail "Input/output error" flush_dm
	expect_moved errors=2
}

# Three more tries, which are 100 ms apart: a loop that does not wait makes them
# in much less.
requeues_slowly() {
	local start now

	now=$(stat requeues)
	wait_for 60 stat_above requeues "$now" || fail "no more requeues"
	now=$(stat requeues)
	start=${EPOCHREALTIME/./}
	wait_for 60 stat_above requeues $((now + 2)) || fail "no 3 requeues"
	now=$(($(stat requeues) - now))
	expect_num "microseconds for $now requeues" \
		$((${EPOCHREALTIME/./} - start)) -ge $(((now - 1) * 80000))
}

no_path_queues() {
	both_paths queue_if_no_path
	inject_transport_error "$A"
	inject_transport_error "$B"
	start_flush
	wait_for 60 paths_failed "$A" "$B" || fail "not all paths failed"
	requeues_slowly
	process_ended "$FLUSH" && fail "the flush ended without a path"
	inject_nothing "$A"
	inject_nothing "$B"
	path_message reinstate_path "$A"
	path_message reinstate_path "$B"
	expect_exit "the flush" "$FLUSH" 0
	expect_moved errors=0
}

# The flush is waiting when the administrator gives up.
no_path_gives_up() {
	both_paths queue_if_no_path
	path_message fail_path "$A"
	path_message fail_path "$B"
	start_flush
	wait_for 60 stat_above requeues "${MARKS[requeues]}" ||
		fail "the flush is not waiting"
	must dmsetup message "$DMNAME" 0 fail_if_no_path
	expect_exit "the flush" "$FLUSH" fails
	expect_moved errors=1
}

# start_write LETTER BLOCK: in the background; WRITER is the process.
start_write() {
	write_block "$@" &
	WRITER=$!
}

# flush_behind_write: it has come to dm, and waits for one write.
flush_behind_write() {
	start_flush
	wait_for 30 trace_has "dm_rq_barrier_drain: .* writes=1" ||
		fail "the flush does not wait for the write"
	expect_moved rounds=0
	expect_is "held" "$(stat held)" 1
}

# one_round_after_write: both have succeeded, and the drain was between.
one_round_after_write() {
	expect_exit "the write" "$WRITER" 0
	expect_exit "the flush" "$FLUSH" 0
	trace_stop
	expect_moved rounds=1 sequences=1 drained=1 errors=0
	expect_is "held" "$(stat held)" 0
}

# G1: a write that waits in dm for a path is not forgotten.
write_without_path() {
	both_paths queue_if_no_path
	path_message fail_path "$A"
	path_message fail_path "$B"
	trace_start dm_rq_barrier block:block_rq_requeue
	start_write A 1
	wait_for 30 trace_has "block_rq_requeue: $(dev_of "$DM" | tr : ,) W" ||
		fail "the write does not wait for a path"
	flush_behind_write
	path_message reinstate_path "$A"
	one_round_after_write
}

# So it is if the write had a path, which failed under it.
write_fails_on_path() {
	both_paths queue_if_no_path
	path_message fail_path "$B"
	inject_transport_error "$A" 1 0x2a
	trace_start dm_rq_barrier
	start_write B 2
	wait_for 30 paths_failed "$A" || fail "path A did not fail"
	flush_behind_write
	inject_nothing "$A" 0x2a
	path_message reinstate_path "$B"
	one_round_after_write
	expect_is "block 2" "$(read_block 2)" B
}

# An error ends a write as well.
write_fails_for_good() {
	both_paths queue_if_no_path
	path_message fail_path "$A"
	path_message fail_path "$B"
	trace_start dm_rq_barrier block:block_rq_requeue
	start_write C 3
	wait_for 30 trace_has "block_rq_requeue: $(dev_of "$DM" | tr : ,) W" ||
		fail "the write does not wait for a path"
	flush_behind_write
	must dmsetup message "$DMNAME" 0 fail_if_no_path
	expect_exit "the write" "$WRITER" fails
	expect_exit "the flush" "$FLUSH" fails
	trace_stop
	expect_moved rounds=1 sequences=1 drained=1 errors=1
	expect_is "held" "$(stat held)" 0
}

# A device without FUA, so that a rejected flush can be seen: the loop device
# is there to take FUA away, and failed.
without_fua() {
	inject_nothing "$A"
	inject_nothing "$B"
	SECTORS=$(smallest "$LOOP" "$A") reload_dm "$DMNAME" \
		"$(SECTORS=$(smallest "$LOOP" "$A") rq_table "" "$LOOP" "$A")"
	path_message fail_path "$LOOP"
	mark "$A"
}

rejected() {
	without_fua
	inject_illegal_request "$A"
	must_fail "not supported" write_block A 1 oflag=direct,dsync
	expect_moved rejected=1 errors=1 requeues=0
	expect_is "path A" "$(path_state "$A")" "A 0"
	inject_nothing "$A"
	must write_block A 1 oflag=direct,dsync
	expect_moved rejected=1 errors=1
}

rejection_is_logged() {
	without_fua
	inject_illegal_request "$A"
	must_fail "not supported" write_block A 1 oflag=direct,dsync
	expect_log "rq-barrier: $(dm_number): path $A rejects cache flushes"
	inject_nothing "$A"
}

# dm names its devices by number in messages.
dm_number() {
	dev_of "$DM"
}

rejected_in_mode_none() {
	local mode

	without_fua
	for mode in flush drain_flush; do
		set_mode none
		inject_illegal_request "$A"
		must_fail "Remote I/O error" flush_dm
		set_mode "$mode"
		must flush_dm
		inject_nothing "$A"
	done
	expect_moved rejected=2
}

# One of the paths rejects: no other path may make up for it, as the rejecting
# one is the disk's own word.
rejected_once() {
	local i failures=0

	both_paths ""
	inject_illegal_request "$A" -1
	for i in 1 2; do
		flush_dm || failures=$((failures + 1))
	done
	expect_num "failures that a raw device shows" "$failures" -eq 0
	expect_moved rejected=1 errors=1 requeues=0 rounds=2 commands=2
	inject_nothing "$A"
}

# ext4 does not look away: its fsync says what the flush said.
ext4_sees_rejection() {
	local dir=$WORK/mnt

	mkdir -p "$dir"
	both_paths ""
	must mkfs.ext4 -q -F "$DMDEV"
	must mount "$DMDEV" "$dir" || return
	echo hello >"$dir/file"
	must sync "$dir/file"
	echo again >>"$dir/file"
	must sync -d "$dir/file"
	inject_illegal_request "$A"
	inject_illegal_request "$B"
	mark
	echo more >>"$dir/file"
	must_fail "Operation not supported|Input/output error|Read-only" \
		sync "$dir/file"
	expect_num "rejected" "$(moved rejected)" -ge 1
	inject_nothing "$A"
	inject_nothing "$B"
	umount "$dir" || must umount -l "$dir"
}

need_programs mkfs.ext4
make_scsi_paths 2
A=${SCSI_PATHS[0]}
B=${SCSI_PATHS[1]}
make_loops 1 "$(($(sectors_of "$A") / 2048))"
LOOP=${LOOP_PATHS[0]}
make_mpath "$NAME" "" "$A" "$B"

add_barrier_cases "a path error fails the path, the flush takes another" \
	one_path_fails
add_barrier_cases \
	"all paths fail: the flush fails, and later ones fail with EIO" \
	all_paths_fail
add_barrier_cases "queue_if_no_path: the flush waits, slowly, for a path" \
	no_path_queues
add_barrier_cases "queue_if_no_path given up: the waiting flush fails" \
	no_path_gives_up
add_case "a flush waits for a write that waits for a path" \
	with_mode drain_flush write_without_path
add_case "a flush waits for a write whose path failed" \
	with_mode drain_flush write_fails_on_path
add_case "a write fails for good: the flush behind it has its turn" \
	with_mode drain_flush write_fails_for_good
add_barrier_cases "a rejected flush is \"not supported\" and costs no path" \
	injecting rejected
add_barrier_cases "a rejected flush is logged with device and path" \
	injecting rejection_is_logged
add_case "none: a rejected flush is a remote I/O error" \
	with_mode none injecting rejected_in_mode_none
add_barrier_cases "a flush that one path rejects is not tried on another" \
	injecting rejected_once
add_barrier_cases "an fsync of ext4 fails if the flush is rejected" \
	injecting ext4_sees_rejection
run_cases
