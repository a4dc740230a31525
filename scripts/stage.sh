#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: run targets one after the other and add up what they counted.  Each
# runs, whatever the others said.  The sums are $passed, $failed and $skipped.

passed=0
failed=0
skipped=0

# stage NAME COMMAND: it reports its counts under that name; without counts it
# failed.
stage() {
	local counts=(0 1 0) status=0

	step "=== $1"
	rm -f "$KB/results/$1"
	"${@:2}" || status=$?
	if [[ -f $KB/results/$1 ]]; then
		read -ra counts <"$KB/results/$1"
		# a run that counted nothing, or failed afterwards, did not pass
		((status == 0 || counts[1] > 0)) || counts[1]=1
	fi
	passed=$((passed + counts[0]))
	failed=$((failed + counts[1]))
	skipped=$((skipped + counts[2]))
}
