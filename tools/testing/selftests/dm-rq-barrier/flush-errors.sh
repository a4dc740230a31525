#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What becomes of a flush whose command fails.  A path error costs the path and
# not the flush (R3, R4); a flush that the disk rejects is -EOPNOTSUPP for the
# submitter, never silent success (R4a); without paths a flush fails or waits,
# as the table says, and waiting costs next to nothing.
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

# Only two flushes make sure that one of them meets path A.
one_path_fails() {
	both_paths ""
	inject_transport_error "$A"
	must flush_dm
	must flush_dm
	expect_is "path A" "$(path_state "$A")" "F 1"
	expect_is "path B" "$(path_state "$B")" "A 0"
	expect_moved errors=0 requeues=1 rejected=0 rounds=3 commands=3 \
		"$A.flushes=1" "$B.flushes=2"
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
	# the last path's own error
	must_fail "severed" flush_dm
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
	without_fua
	set_mode none
	inject_illegal_request "$A"
	must_fail "Remote I/O error" flush_dm
	set_mode flush
	must flush_dm
	expect_moved rejected=1
	inject_nothing "$A"
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
set_default_mode flush
make_mpath $NAME "" "$A" "$B"

add_case "a path error fails the path, the flush takes another" one_path_fails
add_case "all paths fail: the flush fails, and later ones fail with EIO" all_paths_fail
add_case "queue_if_no_path: the flush waits, slowly, for a path" no_path_queues
add_case "queue_if_no_path given up: the waiting flush fails" no_path_gives_up
add_case "a rejected flush is \"not supported\" and costs no path" rejected
add_case "a rejected flush is logged with device and path" rejection_is_logged
add_case "mode none: a rejected flush is a remote I/O error" \
	rejected_in_mode_none
add_case "a flush that one path rejects is not tried on another" rejected_once
add_case "an fsync of ext4 fails if the flush is rejected" ext4_sees_rejection
run_cases
