#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P3: the administrator writes to queue/write_cache of a path, and nothing changes
# for the multipath device on it.  Said to be write through, the path is flushed
# all the same.  Said to be write back again, it has to be flushed, also by a
# device that was made before that.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

FSYNCS=4

override() {
	echo "$1" >"/sys/block/$A/queue/write_cache" ||
		bail_out "$A does not take \"$1\""
}

# flushes_when WORD: of writes with fsync, after the path was said to be that
flushes_when() {
	local i

	override "$1"
	trace_start block:block_rq_issue
	for ((i = 0; i < FSYNCS; i++)); do
		must write_block A "$i" conv=fsync
	done
	trace_stop
	issued "$A" FF
}

make_scsi_paths 1
A=${SCSI_PATHS[0]}
make_mpath "$NAME" "" "$A"
through=$(flushes_when "write through")
forget_dm "$NAME"
must dmsetup create "$NAME" --table "$(rq_table "" "$A")"
use_dm "$NAME"
back=$(flushes_when "write back")
verdict "$FSYNCS writes with fsync: $through flushes of a path that was set to write through, $back of one that was set to write back" \
	test "$through $back" != "0 $FSYNCS"
