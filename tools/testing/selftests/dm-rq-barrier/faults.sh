#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A path that fails in any way, at any step: each kind of error that a disk, its
# transport or its driver can have, for each opcode that a path sees, at each
# step of an ordered sequence and in mode flush.  What is expected is in the
# tables of faults.py: path errors are tried on the other path, others reach
# whoever submitted the request that failed and nobody else; what the SCSI layer
# tries again nobody sees.  Each time order is kept, nothing is held in the end,
# and what was acknowledged can be read.
#
# timeout: 1200
# mem: 1G
# uml: scsi_debug.dev_size_mb=330 scsi_debug.lbpu=1
# packages: e2fsprogs fio xfsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-order.sh
. "$(dirname "$0")/lib-order.sh"

FAULTS=$PWD/faults.py
# The file system's, in MiB.  Behind it there are blocks for others.
FS_MIB=300
# For faults.py: in a sequence, and without one around
SEQUENCE="drained-write drained-discard drained-zeroes pre-flush barrier-io
	post-flush held-write held-discard held-zeroes read-in-sequence"
SINGLE="read write discard zeroes flush fua-write fua-flush"
# In mode flush the disks' own FUA is used.
IN_FLUSH="read write flush fua-write"
# Kinds whose steps take seconds
declare -A SLOW=(
	[timeout]="drained-write pre-flush barrier-io post-flush held-write"
	[abort-fails]="drained-write pre-flush post-flush"
	[reset-fails]="barrier-io post-flush read-in-sequence"
)

# One group for each path, so that it can be said which is next.
stepwise_table() {
	echo "0 $(smallest "$A" "$B") multipath 3 queue_mode mq" \
		"queue_if_no_path 0 2 1" \
		"round-robin 0 1 1 $(dev_of "$A") 1" \
		"round-robin 0 1 1 $(dev_of "$B") 1"
}

# A second for a command and for what is tried when it does not end
hasten() {
	local path limit

	for path; do
		for limit in timeout eh_timeout; do
			echo 1 >"/sys/block/$path/device/$limit" ||
				bail_out "$path does not take a $limit"
		done
	done
}

# A process one of whose threads waits for ever does not end.
ended_or_hangs() {
	process_ended "$1" || grep -q "gives up" "$WORK/faults"
}

# faults KIND STEP...
faults() {
	"$FAULTS" "$DMNAME" "$DM" "$A" "$B" "$MNT" $((FS_MIB * 256)) "$@" \
		>"$WORK/faults" 2>&1 &
	wait_for 300 ended_or_hangs $! || hangs
	if grep -q "gives up" "$WORK/faults"; then
		msg "$(<"$WORK/faults")"
		hangs
	fi
	wait $! || fail "$(<"$WORK/faults")"
}

# traced_faults KIND STEP...: they are in order.
traced_faults() {
	trace_order
	faults "$@"
	trace_stop
	judge || {
		fail "$ORDER"
		show_violation
	}
	expect_num "flushes" "${COUNTED[flushes]:-0}" -gt 0
}

# XFS writes its log every 30 s, which would be a sequence too many.
with_file_system() {
	local period=/proc/sys/fs/xfs/xfssyncd_centisecs

	modprobe -q xfs
	at_exit eval "echo $(<"$period") >$period"
	echo 720000 >"$period" || fail "XFS writes its log at any time"
	must mkfs.xfs -q -f -d "size=${FS_MIB}m" "$DMDEV"
	mkdir "$MNT"
	must mount "$DMDEV" "$MNT"
	at_exit umount -l "$MNT"
}

without_file_system() {
	unmount_fs xfs
	forget_dm "$NAME"
}

# A disk with so many sectors is read and written by READ(16) and WRITE(16).
with_large_disk() {
	at_exit eval "echo 0 >$SDEBUG/virtual_gb"
	echo 3000 >"$SDEBUG/virtual_gb" || fail "no disk of 3 TB"
	with_paths "${NAME}_16"
}

# with_paths NAME: A and B to the disk, with short limits of time, and a device
with_paths() {
	make_scsi_paths 2
	A=${SCSI_PATHS[0]}
	B=${SCSI_PATHS[1]}
	PATHS=("$A" "$B")
	hasten "$A" "$B"
	make_dm "$1" "$(stepwise_table)"
}

can_inject || skip_all "$NO_INJECTION"
need_programs mkfs.xfs
set_default_mode drain_flush
with_paths "$NAME"

add_case "a file system, for its barriers" with_file_system
# shellcheck disable=SC2086	# lists of words
{
	for KIND in transport-error no-connection not-ready becoming-ready \
		unit-attention aborted-command soft-error busy task-set-full \
		host-busy illegal-request hardware-error medium-error \
		reservation-conflict no-space; do
		add_case "drain_flush: ${KIND//-/ }" with_mode drain_flush \
			traced_faults $KIND $SEQUENCE $SINGLE
		add_case "flush: ${KIND//-/ }" with_mode flush \
			faults $KIND $IN_FLUSH
	done
	for KIND in timeout abort-fails reset-fails; do
		add_case "drain_flush: ${KIND//-/ }" with_mode drain_flush \
			traced_faults $KIND ${SLOW[$KIND]}
		add_case "flush: ${KIND//-/ }" with_mode flush \
			faults $KIND flush
	done
	# A disk whose driver does not take a command, with nothing in flight,
	# stays busy for dm-mpath until somebody else uses it, in mode none as
	# well.  Rounds do not ask.
	add_case "drain_flush: device busy, a flush" with_mode drain_flush \
		traced_faults device-busy pre-flush post-flush flush
	add_case "all files are there" without_file_system
	add_case "a large disk" with_large_disk
	for KIND in transport-error unit-attention medium-error timeout; do
		add_barrier_cases "large disk: ${KIND//-/ }" \
			faults $KIND read write flush fua-write
	done
}
run_cases
