#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# File systems on request-based multipath: ext4 and XFS under fio's loads that
# flush most, on two loop devices that are paths to one file.  What fio wrote is
# right, right again after a remount, and the file system is consistent.  Then
# a power cut: what an fsync promised is there.  All that in mode flush and in
# mode drain_flush.
#
# timeout: 240
# mem: 1G
# packages: fio e2fsprogs xfsprogs
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-fs.sh
. "$(dirname "$0")/lib-fs.sh"

# make_fs TYPE
make_fs() {
	must "mkfs.$1" -q "$([[ $1 == xfs ]] && echo -f || echo -F)" "$DMDEV"
}

write_and_verify() {
	make_fs "$1"
	mark
	must mount "$DMDEV" "$MNT" || return
	must run_fio
	must umount "$MNT"
	expect_num "rounds" "$(moved rounds)" -ge 20
	expect_num "commands" "$(moved commands)" -ge 20
	expect_moved errors=0 rejected=0
	expect_is "held" "$(stat held)" 0
}

verify_again() {
	must check_fs "$1"
	must mount "$DMDEV" "$MNT" || return
	must run_fio --verify_only
	must umount "$MNT"
}

# The control: the file that was not synced has no more than its name.
power_cut_under() {
	local letter

	make_fs "$1"
	must mount "$DMDEV" "$MNT" || return
	for letter in A B C D; do
		pattern "$letter" >"$MNT/$letter"
		must sync "$MNT/$letter"
	done
	pattern E >"$MNT/E"
	power_cut "$DISK"
	must umount "$MNT"
	must dmsetup remove --retry "$DMNAME"
	power_on "$DISK"
	must dmsetup create "$DMNAME" --table "$(rq_table "" "$DISK")"
	use_dm "$DMNAME"
	must mount "$DMDEV" "$MNT" || return
	for letter in A B C D; do
		pattern "$letter" | cmp -s - "$MNT/$letter" ||
			fail "file $letter was synced and is damaged"
	done
	pattern E | cmp -s - "$MNT/E" &&
		fail "file E was not synced and is there"
	must umount "$MNT"
	must check_fs "$1"
}

with_disk() {
	DISK=${NAME}n0
	make_cached_nullb "$DISK" size=400
	make_mpath "${NAME}_n" "" "$DISK"
}

make_loops 2 320
make_mpath "$NAME" "" "${LOOP_PATHS[@]}"
MNT=$WORK/mnt
mkdir "$MNT"
at_exit umount -l "$MNT"

for mode in flush drain_flush; do
	for fs in ext4 xfs; do
		add_case "$mode: what fio wrote to $fs is right" \
			with_mode "$mode" write_and_verify "$fs"
		add_case "$mode: $fs is consistent, and right after a remount" \
			with_mode "$mode" verify_again "$fs"
	done
done
add_case "a disk that can be cut off its power" with_disk
add_barrier_cases "synced files survive a power cut under ext4" \
	power_cut_under ext4
add_barrier_cases "synced files survive a power cut under XFS" \
	power_cut_under xfs
run_cases
