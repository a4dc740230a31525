#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P4: a disk rejects the flush command (ILLEGAL REQUEST), and every write that has
# to be durable fails with "Remote I/O error" (EREMOTEIO) instead of "Operation
# not supported" (EOPNOTSUPP).
#
# Writes with O_DSYNC are used: for an fsync of a raw block device the kernel makes
# success of EOPNOTSUPP (blkdev_fsync()).

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

WRITES=3

# errors: those that the writes end with, one a line
errors() {
	local i

	for ((i = 0; i < WRITES; i++)); do
		write_block A "$i" oflag=direct,dsync 2>&1 | sed 's/.*: //'
	done
}

can_inject || skip_all "$NO_INJECTION"
make_scsi_paths 1
A=${SCSI_PATHS[0]}
make_mpath "$NAME" "" "$A"
must write_block A 0 oflag=direct,dsync
inject_illegal_request "$A"
all=$(errors)
inject_nothing "$A"
expect_num "writes that failed" "$(grep -c . <<<"$all")" -eq "$WRITES"
remote=$(grep -cx "Remote I/O error" <<<"$all")
unsupported=$(grep -cx "Operation not supported" <<<"$all")
expect_num "errors that are known" $((remote + unsupported)) -eq "$WRITES"
verdict "of $WRITES writes with O_DSYNC $remote fail with EREMOTEIO, $unsupported with EOPNOTSUPP" \
	test "$remote" -gt 0
