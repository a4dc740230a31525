#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: what the log of kunit.py says.

# kunit_count LOG WORD: from "Testing complete. Ran 9 tests: passed: 9".
kunit_count() {
	local number

	number=$(grep 'Testing complete' "$1" |
		sed -n "s/.*$2: \([0-9]*\).*/\1/p" | tail -n 1)
	echo "${number:-0}"
}

kunit_failed() {
	echo $(($(kunit_count "$1" failed) + $(kunit_count "$1" crashed) +
		$(kunit_count "$1" errors)))
}

show_suites() {
	sed -n 's/^[^]]*\] =* \(dm-rq[^ ]* ([0-9]* subtests*)\) =*$/  \1/p' "$1"
}

show_kunit_failures() {
	grep -E 'FAILED|CRASHED|ERROR|EXPECTATION|ASSERTION|Expected' "$1" |
		head -n 40 || :
}
