#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: say how the KUnit suites went in a guest with several processors.

# shellcheck source=kunit-log.sh
. scripts/kunit-log.sh

console=$BOOT_DIR/console.log
log=$BOOT_DIR/kunit.log # what kunit.py says of it

# suites_arguments: for the kernel
suites_arguments() {
	echo "loglevel=7 kunit.filter_glob=dm-rq-* kunit.enable=1"
}

# guest_has_processors NUMBER
guest_has_processors() {
	grep -q "smp: Brought up 1 node, $1 CPUs\$" "$console"
}

# judge_suites STATUS PROCESSORS: of a guest that has to have so many; how many
# passed, failed and were skipped goes to the file counts in BOOT_DIR.
judge_suites() {
	local passed failed reports

	sed -i 's/\r$//' "$console"
	"$TREE/tools/testing/kunit/kunit.py" parse "$console" >"$log" 2>&1 || :
	failed=$(kunit_failed "$log")
	if ((failed > 0)); then
		show_kunit_failures "$log"
	fi
	if (($1 != 0)); then
		tail -n 20 "$console"
		echo "the guest ended with status $1, see $console"
		failed=$((failed + 1))
	fi
	guest_has_processors "$2" || {
		echo "the guest does not have $2 processors, see $console"
		failed=$((failed + 1))
	}
	reports=$(guest_reports "$console")
	if [[ -n $reports ]]; then
		head -n 20 <<<"$reports"
		echo "the kernel complained, see $console"
		failed=$((failed + 1))
	fi
	passed=$(kunit_count "$log" passed)
	if ((passed == 0)); then
		echo "nothing passed, see $log"
		failed=$((failed + 1))
	fi
	echo "$passed $failed $(kunit_count "$log" skipped)" >"$BOOT_DIR/counts"
	((failed == 0))
}
