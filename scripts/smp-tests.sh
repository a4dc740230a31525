#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: what make smp does with each of its kernels.  It is booted with several
# processors: once with one hardware queue and once with four to run the KUnit
# suites, then once for each script of the selftests that is about concurrency.
# Such a script may say
#
#	# smp: ARGUMENTS             more kernel arguments; may be repeated
#	# smp-seconds: 600           TEST_SECONDS, unless the user says otherwise
#	# smp-timeout: 300           seconds beyond that, otherwise 300
#
# besides what selftest.sh describes.  The caller defines how to boot:
#
#	boot_suites ARGUMENT       see smp-kunit.sh; with a kernel argument
#	boot_script SECONDS TEST ARGUMENTS
#	                           see boot-smp.sh; with more kernel arguments

# shellcheck source=header.sh
. scripts/header.sh
# shellcheck source=ktap.sh
. scripts/ktap.sh
# shellcheck source=test-list.sh
. scripts/test-list.sh

dir=$TREE/$SELFTESTS
boot=$KB/boot/${smp_name:?}
all_tests="smp-stress.sh order.sh order-stress.sh"
tests=
export OUTPUT=$KB/selftests

# run_suites QUEUES: the KUnit suites with that many hardware queues
run_suites() {
	local boot_dir=$boot/kunit-$1 begin=$EPOCHSECONDS
	local counts=(0 1 0) status=0

	rm -rf "$boot_dir"
	mkdir -p "$boot_dir"
	BOOT_DIR=$boot_dir boot_suites "dm_mod.dm_mq_nr_hw_queues=$1" \
		>"$boot_dir/judgement" 2>&1 || {
		status=1
		sed 's/^/    /' "$boot_dir/judgement"
	}
	read_counts "$boot_dir/counts" "$status" || :
	add_counts "${counts[@]}"
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
	TEST_SECONDS=$seconds BOOT_DIR=$boot_dir \
		boot_script $((${limit:-300} + ${seconds:-0})) "$dir/$1" \
		"$args" >"$boot_dir/judgement" 2>&1 || status=$?
	count_cases "$boot_dir" "$1" "$status" $((EPOCHSECONDS - begin))
}

# choose_tests: $tests, from what the user wants, and the packages they need
# besides those that the caller names
choose_tests() {
	local test packages

	tests=$(tests_to_run "$all_tests" "$(make_variable TEST_PROGS) \
$(make_variable TEST_PROGS_EXTENDED)") || {
		# shellcheck disable=SC2034	# for lib.sh
		said_verdict=1
		exit 1
	}
	packages=$(for test in $tests; do
		header "$dir/$test" packages
	done)
	# shellcheck disable=SC2086	# a list of words
	need_packages "the guests" dmsetup kmod mount iproute2 procps "$@" \
		$packages
}

run_smp_tests() {
	local test

	run_suites 1
	run_suites 4
	for test in $tests; do
		run_script "$test"
	done
}
