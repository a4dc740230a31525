#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check: all tests, the quick ones first.  Each target runs, whatever the
# others said, and the counts are added up.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

passed=0
failed=0
skipped=0

# stage NAME: run NAME.sh and add what it counted; without counts it failed.
stage() {
	local counts=(0 1 0) status=0

	step "=== $1"
	"scripts/$1.sh" || status=$?
	if [[ -f $KB/results/$1 ]]; then
		read -ra counts <"$KB/results/$1"
		# a run that counted nothing, or failed afterwards, did not pass
		((status == 0 || counts[1] > 0)) || counts[1]=1
	fi
	passed=$((passed + counts[0]))
	failed=$((failed + counts[1]))
	skipped=$((skipped + counts[2]))
}

take_lock
rm -rf "$KB/results"
# What others need counts as one failure, not one for each that needs it.
step "=== tree"
if ! scripts/tree.sh; then
	report_counts check 0 1 0
fi
stage style
step "=== uml"
if scripts/uml.sh; then
	stage kunit
	stage selftest
else
	failed=$((failed + 1))
fi
step "everything ran"
report_counts check "$passed" "$failed" "$skipped"
