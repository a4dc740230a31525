#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make selftest: run each script of TEST_PROGS (in the selftests' Makefile) in
# a guest of its own.  A script may say in its leading comments
#
#	# timeout: 300               seconds, otherwise 180
#	# mem: 1G                    memory of the guest, otherwise 768M
#	# uml: ARGUMENTS             more kernel arguments; may be repeated
#	# uml: ubd-files 2 64M       attach sparse files of that size as ubda, ubdb
#	# packages: fio xfsprogs     Debian packages whose programs it calls
#
# It runs as root, its directory the current one, with $TMPDIR to write to,
# $OUTPUT the directory of what TEST_GEN_PROGS and the like make, $KERNEL_TREE
# the assembled tree, and $TEST_SECONDS if the user wants a certain duration.
# The host's root is read-only.  Output is KTAP; status 4 means skipped.

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
# shellcheck source=programs.sh
. scripts/programs.sh
# shellcheck source=jobs.sh
. scripts/jobs.sh

dir=$TREE/$SELFTESTS

# boot_test TEST: boot a guest for it; the status goes to a file.  Whoever is
# told to end passes it on, as the guest's own clean-up must run.
boot_test() {
	local test=$1 boot_dir=$KB/boot/${1%.sh} begin=$EPOCHSECONDS
	local limit mem args status=0

	limit=$(header "$dir/$test" timeout)
	mem=$(header "$dir/$test" mem)
	args=$(uml_arguments "$dir/$test" "$boot_dir" | paste -sd ' ')
	MEM=${MEM:-$mem} UML_ARGS="$args ${UML_ARGS:-}" BOOT_DIR=$boot_dir \
		setpriv --pdeathsig TERM scripts/boot-uml.sh "${limit:-180}" \
		"$dir/$test" >"$boot_dir/judgement" 2>&1 || status=$?
	rm -f "$boot_dir"/ubd?.img
	echo "$status $((EPOCHSECONDS - begin))" >"$boot_dir/status"
}

# start_test TEST: in the background, as soon as a processor is free for it.
start_test() {
	local test=$1 boot_dir=$KB/boot/${1%.sh}

	[[ -x $dir/$test ]] || return 0
	rm -rf "$boot_dir"
	mkdir -p "$boot_dir"
	start_job boot_test "$test"
}

# finish_test TEST: wait for it and count its cases.
finish_test() {
	local test=$1 boot_dir=$KB/boot/${1%.sh} status seconds

	if [[ ! -x $dir/$test ]]; then
		step "$test: not there or not executable"
		add_counts 0 1 0
		return
	fi
	read -r status seconds <"$boot_dir/status"
	count_cases "$boot_dir" "$test" "$status" "$seconds"
}

need_programs() {
	local test packages

	packages=$(for test in $tests; do
		[[ ! -f $dir/$test ]] || header "$dir/$test" packages
	done)
	# shellcheck disable=SC2086	# a list of words
	need_packages "the selftests" dmsetup kmod mount iproute2 \
		procps $packages
}

take_lock
sub uml.sh
[[ -f $dir/Makefile ]] || die "there is no $SELFTESTS/Makefile"
progs=$(make_variable TEST_PROGS)
tests=$(tests_to_run "$progs" "$progs") || {
	said_verdict=1
	exit 1
}
need_programs
build_programs
step "one guest for each of $(wc -w <<<"$tests") scripts, $(nproc) at a time"
for test in $tests; do
	start_test "$test"
done
wait
for test in $tests; do
	finish_test "$test"
done
report_counts selftest "$passed" "$failed" "$skipped"
