#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P5: flushes of the device count as reads of its path, and dm-stats does not show
# them.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

FLUSHES=3

# dm_writes ID: that dm-stats has counted
dm_writes() {
	dmsetup message "$DMNAME" 0 "@stats_print $1" | awk '{ print $6 }'
}

make_scsi_paths 1
A=${SCSI_PATHS[0]}
make_mpath "$NAME" "" "$A"
id=$(dmsetup message "$DMNAME" 0 "@stats_create - /1 drb")
expect_match "id of a region" "$id" '^[0-9]+$'
trace_start block:block_rq_issue
reads=$(stat "$A.reads")
flushes=$(stat "$A.flushes")
for ((i = 0; i < FLUSHES; i++)); do
	must flush_dm
done
reads=$(($(stat "$A.reads") - reads))
flushes=$(($(stat "$A.flushes") - flushes))
trace_stop
expect_num "flush commands" "$(issued "$A" FF)" -eq "$FLUSHES"
shown=$(dm_writes "$id")
verdict "$FLUSHES flushes: the path's stat has $reads reads and $flushes flushes, dm-stats $shown writes" \
	test "$reads $flushes $shown" != "0 $FLUSHES $FLUSHES"
