#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make kunit: run our KUnit suites by the kernel's kunit.py and count cases.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=group.sh
. scripts/group.sh
# shellcheck source=memory.sh
. scripts/memory.sh
# shellcheck source=reports.sh
. scripts/reports.sh

log=$KB/kunit.log        # what kunit.py says
console=$UML_DIR/test.log # what the kernel says, written by kunit.py

# count WORD: from kunit.py's "Testing complete. Ran 9 tests: passed: 9".
count() {
	local number

	number=$(grep 'Testing complete' "$log" |
		sed -n "s/.*$1: \([0-9]*\).*/\1/p" | tail -n 1)
	echo "${number:-0}"
}

run_kunit() {
	rm -f "$console"
	# kunit.py gives the guest 1 GB
	TMPDIR=$(memory_dir 1G "$KB") run_group 900 "$kunit" run "${kunit_options[@]}" --timeout=300 \
		"--jobs=$(nproc)" "--kernel_args=uml_dir=$KB/" 'dm-rq-*' \
		>"$log" 2>&1
}

take_lock
sub uml.sh
setup_ccache
step "running the KUnit suites"
status=0
run_kunit || status=$?
passed=$(count passed)
failed=$(($(count failed) + $(count crashed) + $(count errors)))
skipped=$(count skipped)

sed -n 's/^[^]]*\] =* \(dm-rq[^ ]* ([0-9]* subtests*)\) =*$/  \1/p' "$log"
if ((status != 0 || failed > 0)); then
	grep -E 'FAILED|CRASHED|ERROR|EXPECTATION|ASSERTION|Expected' "$log" |
		head -n 40 || :
	echo "kunit.py ended with status $status, see $log and $console"
	((failed > 0)) || failed=1
fi
if [[ -f $console ]]; then
	reports=$(kernel_reports "$console")
	if [[ -n $reports ]]; then
		head -n 20 <<<"$reports"
		echo "the kernel complained, see $console"
		failed=$((failed + 1))
	fi
fi
((passed + failed + skipped > 0)) ||
	echo "no suite is called dm-rq-*: nothing ran, see $log"
report_counts kunit "$passed" "$failed" "$skipped"
