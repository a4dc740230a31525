#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by each script of this directory.  P1.sh to P10.sh show one problem of
# the README's table each, on the kernel that runs, whatever it is: a stock one,
# or one with the series in its default mode, drain_flush.  A script arranges what
# the problem takes and ends with a line
#
#	problem seen: what was seen
#	not seen: what was seen instead
#
# or with "FAIL: why" and another status than 0 if it could not tell; with status 4
# if the kernel lacks what that takes.
#
# A script runs as root, without arguments, in the time that the devices take to
# come.  It says in its leading comments what the guest for it needs, as selftests
# do (see scripts/selftest.sh), and also
#
#	# processors: 4    the guest has so many: in QEMU, where user mode Linux has one

export DEMO=1		# a failure ends it
export ANY_KERNEL=1	# that may be stock
# shellcheck source=../tools/testing/selftests/dm-rq-barrier/lib.sh
. "$(dirname "$0")/../tools/testing/selftests/dm-rq-barrier/lib.sh"
# shellcheck source=../tools/testing/selftests/dm-rq-barrier/lib-path.sh
. "$(dirname "$0")/../tools/testing/selftests/dm-rq-barrier/lib-path.sh"

# Seconds that a problem gets to show, where nothing tells that it will not.
export PATIENCE=4

# verdict TEXT COMMAND...: the last line.  The command says if it was seen.
verdict() {
	if "${@:2}"; then
		echo "problem seen: $1"
	else
		echo "not seen: $1"
	fi
}

# numbers_of DISK: as block events name it
numbers_of() {
	dev_of "$1" | tr : ,
}

# line_of REGEX: of the trace, the first; a high one if there is none
line_of() {
	local line

	line=$(trace_lines | grep -nE -m 1 -e "$1" | cut -d : -f 1)
	echo "${line:-999999}"
}

# yes_no COMMAND...: in words
yes_no() {
	if "$@"; then
		echo yes
	else
		echo no
	fi
}

watch_log
if kernel_has_barriers; then
	echo "Linux $(uname -r) with the series, mode $(<"$RQ_ORDERED_DEFAULT")"
else
	echo "Linux $(uname -r) without the series"
fi
