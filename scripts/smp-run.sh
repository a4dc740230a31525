#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# smp-run.sh: what make smp does with one kernel for QEMU, that of $SANITIZER;
# see smp-tests.sh.
#
# Environment: SANITIZER, MEM, CPUS, SMP_ARGS: see boot-smp.sh
#              TESTS, TEST_SECONDS: as for make selftest

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=smp-config.sh
. scripts/smp-config.sh
# shellcheck source=kcsan.sh
. scripts/kcsan.sh
smp_name=smp-$SANITIZER
# shellcheck source=smp-tests.sh
. scripts/smp-tests.sh

boot_suites() {
	scripts/smp-kunit.sh "$@"
}

boot_script() {
	SMP_ARGS="$3 ${SMP_ARGS:-}" scripts/boot-smp.sh "$1" "$2"
}

# Data races that are somebody else's: how many, and where they are listed.
show_other_races() {
	local list=$boot/other-races

	[[ $SANITIZER == kcsan ]] || return 0
	cat "$boot"/*/console.log >"$boot/all.log"
	races "$boot/all.log" | grep -vwF -f <(our_functions) | sort |
		uniq -c | sort -rn >"$list" || :
	rm "$boot/all.log"
	step "$(wc -l <"$list") data races that are not ours, see $list"
}

take_lock
sub smp-build.sh
choose_tests qemu-system-x86
step "booting $SMP_KERNEL, logs in $boot"
run_smp_tests
show_other_races
report_counts "$smp_name" "$passed" "$failed" "$skipped"
