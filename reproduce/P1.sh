#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P1: a write with Forced Unit Access (FUA) goes to a path that does not know it,
# and completes from the volatile cache of that path: no flush follows.
#
# One path is a SCSI disk, which knows FUA; it fails, and the other one is a loop
# device, which has a cache and no FUA.  fio with libaio makes FUA writes and
# nothing else, as file systems do.
#
# packages: fio

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

WRITES=20

# Of those writes, how many the path was given no flush after?
without_flush() {
	trace_lines | grep "block_rq_issue: $(numbers_of "$LOOP")" |
		sed 's/.*: [0-9]*,[0-9]* \([A-Z]*\).*/\1/' |
		awk '
		previous ~ /^W/ && $1 != "FF" { count++ }
		{ previous = $1 }
		END { print count + (previous ~ /^W/) }'
}

need_programs fio
make_scsi_paths 1
A=${SCSI_PATHS[0]}
make_loops 1 "$(($(sectors_of "$A") / 2048))"
LOOP=${LOOP_PATHS[0]}
SECTORS=$(smallest "$LOOP" "$A")
make_mpath "$NAME" "" "$LOOP" "$A"
path_message fail_path "$A"
trace_start block:block_rq_issue
must write_fua "$WRITES"
trace_stop
expect_num "writes to the path without FUA" "$(issued "$LOOP" W)" -eq "$WRITES"
lost=$(without_flush)
verdict "of $WRITES FUA writes to a path without FUA $lost had no flush behind" \
	test "$lost" -gt 0
