#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P8: a suspend ends when the write of a commit has been sent and its flush has
# not: that goes to whatever table is next.
#
# XFS makes the commit: to sync a file that was just created costs pre-flush, write
# to the log, post-flush.  The device is suspended while the write is in flight.
#
# mem: 1G
# packages: xfsprogs

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

flushes_sent() {
	echo $(($(issued "$A" FF) + $(issued "$B" FF)))
}

pre_flush_sent() {
	(($(flushes_sent) == 1))
}

need_programs mkfs.xfs
modprobe -q xfs
make_loops 1 320
make_two_paths "${LOOP_PATHS[0]}"
make_dm "$NAME" "$(stepwise_table)"
must mkfs.xfs -q -f -d size=300m "$DMDEV"
mkdir "$WORK/mnt"
must mount "$DMDEV" "$WORK/mnt"
at_exit umount -l "$WORK/mnt"
must sync
must touch "$WORK/mnt/file"
trace_start block:block_rq_issue
stop_next_at a
sync "$WORK/mnt/file" &
commit=$!
wait_for 30 pre_flush_sent || bail_out "no pre-flush"
stop_next_at b
go_on "${NAME}_a"
wait_for 30 in_flight "$B" || bail_out "no write of the commit"
dmsetup suspend --nolockfs "$NAME" &
suspend=$!
# the series stops it only when the post-flush has been sent
wait_for "$PATIENCE" queue_stopped
process_ended "$suspend" && bail_out "suspend does not wait for the write"
go_on "${NAME}_b"
expect_exit "suspend" "$suspend" 0
sent=$(flushes_sent)
must dmsetup resume "$NAME"
expect_exit "the commit" "$commit" 0
trace_stop
expect_num "flush commands in the end" "$(flushes_sent)" -eq 2
must umount "$WORK/mnt"
verdict "$sent of the commit's 2 flush commands sent when the suspend ends in the middle of it" \
	test "$sent" -lt 2
