#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: where the file goes that is the guest's memory.  /dev/shm is the
# place for it, unless it is as small as containers make it: the guest would
# die of SIGBUS half way.  There may be as many guests as processors.

# memory_dir SIZE FALLBACK
memory_dir() {
	local need free

	need=$(numfmt --from=iec "$1")
	free=$(df --output=avail -B1 /dev/shm 2>/dev/null | tail -n 1)
	if [[ -n ${TMPDIR:-} ]]; then
		echo "$TMPDIR"
	elif ((${free:-0} > need * $(nproc))) &&
		! findmnt -no OPTIONS -T /dev/shm | grep -qw noexec; then
		echo /dev/shm
	else
		echo "$2"
	fi
}
