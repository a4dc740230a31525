#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: the sums of what a target counted, $passed, $failed and $skipped.

passed=0
failed=0
skipped=0

# read_counts FILE STATUS: what a run has counted, and ended with, to $counts.
# Fails if it did not count.
read_counts() {
	[[ -f $1 ]] || return
	read -ra counts <"$1"
	# a run that counted nothing, or failed afterwards, did not pass
	(($2 == 0 || counts[1] > 0)) || counts[1]=1
}

# add_counts PASSED FAILED SKIPPED
add_counts() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + $3))
}
