#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: tests that are a command each.  The sums are $passed and $failed.

passed=0
failed=0

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
