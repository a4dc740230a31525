#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: run targets one after the other and add up what they counted.  Each
# runs, whatever the others said.  The sums are $passed, $failed and $skipped.

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

# stage NAME COMMAND: it reports its counts under that name; without counts it
# failed.
stage() {
	local counts=(0 1 0) status=0

	step "=== $1"
	rm -f "$KB/results/$1"
	"${@:2}" || status=$?
	read_counts "$KB/results/$1" "$status" || :
	add_counts "${counts[@]}"
}
