#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: tests that are a command each.

# shellcheck source=counts.sh
. scripts/counts.sh

# check NAME COMMAND...: the command says by its status whether all is well, and
# is shown if it is not.
check() {
	local complaints

	if complaints=$("${@:2}" 2>&1); then
		echo "ok - $1"
		add_counts 1 0 0
		return
	fi
	echo "not ok - $1"
	head -n 60 <<<"$complaints" | sed 's/^/    /'
	add_counts 0 1 0
}

# skip NAME REASON...: what cannot be tested here
skip() {
	echo "ok - $1 # SKIP ${*:2}"
	add_counts 0 0 1
}
