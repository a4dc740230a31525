#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P2: the cache of a LUN is switched to write back after the table was loaded.
# An fsync returns success, and no flush command is sent.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

FSYNCS=4

make_scsi_paths 1
A=${SCSI_PATHS[0]}
cache_type "$A" "write through"
make_mpath "$NAME" "" "$A"
cache_type "$A" "write back"
cache_is "$A" "write back" || bail_out "$A is not write back"
trace_start block:block_rq_issue
for ((i = 0; i < FSYNCS; i++)); do
	must write_block A "$i" conv=fsync
done
trace_stop
flushes=$(issued "$A" FF)
verdict "$FSYNCS writes with fsync to a LUN that turned write back, $flushes flush commands" \
	test "$flushes" -lt "$FSYNCS"
