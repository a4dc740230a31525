#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make kunit: run our KUnit suites by the kernel's kunit.py and count cases.
#
# The suites of the ordered sequencer run again on devices with one tag and with
# two.  Most cases need more and are skipped then; those do not count.

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
# shellcheck source=kunit-log.sh
. scripts/kunit-log.sh
# shellcheck source=counts.sh
. scripts/counts.sh

log=$KB/kunit.log        # what kunit.py says
console=$UML_DIR/test.log # what the kernel says, written by kunit.py

# run_kunit SUITES [KERNEL ARGUMENT]: adds up passed, failed and skipped.
run_kunit() {
	local status=0 wrong reports skips=0

	rm -f "$console"
	# kunit.py gives the guest 1 GB
	TMPDIR=$(memory_dir 1G "$KB") run_group 900 "$kunit" run \
		"${kunit_options[@]}" --timeout=600 "--jobs=$(nproc)" \
		"--kernel_args=uml_dir=$KB/" ${2:+"--kernel_args=$2"} "$1" \
		>"$log" 2>&1 || status=$?
	wrong=$(kunit_failed "$log")
	if ((status != 0 || wrong > 0)); then
		show_kunit_failures "$log"
		echo "kunit.py ended with status $status, see $log and $console"
		((wrong > 0)) || wrong=1
	fi
	if [[ -f $console ]]; then
		reports=$(kernel_reports "$console")
		if [[ -n $reports ]]; then
			head -n 20 <<<"$reports"
			echo "the kernel complained, see $console"
			wrong=$((wrong + 1))
		fi
	fi
	(($(kunit_count "$log" passed) + wrong > 0)) || {
		echo "no suite is called $1: nothing ran, see $log"
		wrong=1
	}
	[[ -n ${2:-} ]] || skips=$(kunit_count "$log" skipped)
	add_counts "$(kunit_count "$log" passed)" "$wrong" "$skips"
}

take_lock
sub uml.sh
setup_ccache
step "running the KUnit suites"
run_kunit 'dm-rq-*'
show_suites "$log"
for args in "dm-rq-ordered 1" "dm-rq-ordered 2" "dm-rq-events 2"; do
	read -r suite depth <<<"$args"
	step "again $suite, with dm_mq_queue_depth=$depth"
	run_kunit "$suite" "dm_mod.dm_mq_queue_depth=$depth"
done
report_counts kunit "$passed" "$failed" "$skipped"
