#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: tests that are a command each.  The sums are $passed, $failed and
# $skipped.

passed=0
failed=0
skipped=0

# check NAME COMMAND...: the command says by its status whether all is well, and
# is shown if it is not.
check() {
	local complaints

	if complaints=$("${@:2}" 2>&1); then
		echo "ok - $1"
		passed=$((passed + 1))
		return
	fi
	echo "not ok - $1"
	head -n 60 <<<"$complaints" | sed 's/^/    /'
	failed=$((failed + 1))
}

# skip NAME REASON...: what cannot be tested here
skip() {
	echo "ok - $1 # SKIP ${*:2}"
	skipped=$((skipped + 1))
}
