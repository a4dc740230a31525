#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# smp-run.sh: what make smp does with one kernel, that of $SANITIZER.  It is
# booted in QEMU with several processors: once with one hardware queue and once
# with four to run the KUnit suites, then once for each script of the selftests
# that is about concurrency.  Such a script may say
#
#	# smp: ARGUMENTS             more kernel arguments; may be repeated
#	# smp-seconds: 600           TEST_SECONDS, unless the user says otherwise
#	# smp-timeout: 300           seconds beyond that, otherwise 300
#
# besides what selftest.sh describes.
#
# Environment: SANITIZER, MEM, CPUS, SMP_ARGS: see boot-smp.sh
#              TESTS, TEST_SECONDS: as for make selftest

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=header.sh
. scripts/header.sh
# shellcheck source=ktap.sh
. scripts/ktap.sh
# shellcheck source=test-list.sh
. scripts/test-list.sh
# shellcheck source=smp-config.sh
. scripts/smp-config.sh
# shellcheck source=kcsan.sh
. scripts/kcsan.sh

dir=$TREE/$SELFTESTS
boot=$KB/boot/smp-$SANITIZER
all_tests="smp-stress.sh order.sh order-stress.sh"
export OUTPUT=$KB/selftests

# run_suites QUEUES: the KUnit suites with that many hardware queues
run_suites() {
	local boot_dir=$boot/kunit-$1 begin=$EPOCHSECONDS counts=(0 1 0)

	rm -rf "$boot_dir"
	mkdir -p "$boot_dir"
	BOOT_DIR=$boot_dir scripts/smp-kunit.sh \
		"dm_mod.dm_mq_nr_hw_queues=$1" >"$boot_dir/judgement" 2>&1 ||
		sed 's/^/    /' "$boot_dir/judgement"
	[[ ! -f $boot_dir/counts ]] || read -ra counts <"$boot_dir/counts"
	passed=$((passed + counts[0]))
	failed=$((failed + counts[1]))
	skipped=$((skipped + counts[2]))
	step "KUnit, dm_mq_nr_hw_queues=$1: ${counts[0]} passed," \
		"${counts[1]} failed, ${counts[2]} skipped," \
		"$((EPOCHSECONDS - begin)) s"
}

# run_script TEST
run_script() {
	local boot_dir=$boot/${1%.sh} begin=$EPOCHSECONDS
	local seconds limit args status=0

	rm -rf "$boot_dir"
	mkdir -p "$boot_dir"
	seconds=${TEST_SECONDS:-$(header "$dir/$1" smp-seconds)}
	limit=$(header "$dir/$1" smp-timeout)
	args=$(header "$dir/$1" smp | paste -sd ' ')
	step "$1${seconds:+, for $seconds s and what it takes besides}"
	TEST_SECONDS=$seconds SMP_ARGS="$args ${SMP_ARGS:-}" BOOT_DIR=$boot_dir \
		scripts/boot-smp.sh $((${limit:-300} + ${seconds:-0})) \
		"$dir/$1" >"$boot_dir/judgement" 2>&1 || status=$?
	count_cases "$boot_dir" "$1" "$status" $((EPOCHSECONDS - begin))
}

need_programs() {
	local test packages

	packages=$(for test in $tests; do
		header "$dir/$test" packages
	done)
	# shellcheck disable=SC2086	# a list of words
	need_packages "the guests" qemu-system-x86 dmsetup kmod mount \
		iproute2 procps $packages
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
tests=$(tests_to_run "$all_tests" "$(make_variable TEST_PROGS) \
$(make_variable TEST_PROGS_EXTENDED)") || {
	said_verdict=1
	exit 1
}
need_programs
step "booting $SMP_KERNEL, logs in $boot"
run_suites 1
run_suites 4
for test in $tests; do
	run_script "$test"
done
show_other_races
report_counts "smp-$SANITIZER" "$passed" "$failed" "$skipped"
