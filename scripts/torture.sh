#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make torture: the power is cut under load, again and again, in a guest for each
# mode; see torture.sh of the selftests, and torture.py.  User mode Linux, or
# with SANITIZER the kernel of make smp in QEMU.
#
# MODE=none cuts the power of a stock kernel, which has to lose data.  That is no
# mode to try with the series: it mends the defects by which data is lost in each
# mode.
#
# Environment: MODE          only this one of flush, drain_flush, none
#              TEST_SECONDS  how long (60), or CUTS: how many cuts
#              SEED          of all that is random (1)
#              CUT           only the one with this number, or CUTS from it on
#              SANITIZER, MEM, CPUS: see boot-smp.sh

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=header.sh
. scripts/header.sh
# shellcheck source=ktap.sh
. scripts/ktap.sh
# shellcheck source=programs.sh
. scripts/programs.sh
# shellcheck source=jobs.sh
. scripts/jobs.sh
# shellcheck source=stock-tree.sh
. scripts/stock-tree.sh

test=$TREE/$SELFTESTS/torture.sh
boot=$KB/boot/torture${SANITIZER:+-$SANITIZER}
modes=${MODE:-flush drain_flush}
# What a cut takes on a slow machine, in seconds
CUT_SECONDS=20

# A word that says nothing would let it run for ever, or not at all.
check_number() {
	[[ ${!1:-0} =~ ^[0-9]+$ ]] || die "$1=${!1} is not a number"
}

check_arguments() {
	local variable mode

	for variable in TEST_SECONDS CUTS SEED CUT; do
		check_number $variable
	done
	for mode in $modes; do
		case $mode in
		flush | drain_flush) ;;
		none)
			[[ -z ${SANITIZER:-} ]] ||
				die "MODE=none is for a stock kernel," \
					"there is none with SANITIZER=$SANITIZER" ;;
		*) die "MODE=$mode is not one of flush, drain_flush, none" ;;
		esac
	done
}

# limit: seconds after which a guest hangs
limit() {
	echo $((600 + ${TEST_SECONDS:-0} * 3 + ${CUTS:-0} * CUT_SECONDS))
}

# boot_guest MODE ARGUMENTS...
boot_guest() {
	local uml=$UML_DIR/linux

	[[ $1 != none ]] || uml=$STOCK/uml/linux
	if [[ -n ${SANITIZER:-} ]]; then
		SMP_ARGS="$(header "$test" smp | paste -sd ' ')" \
			setpriv --pdeathsig TERM scripts/boot-smp.sh "${@:2}"
	else
		UML=$uml setpriv --pdeathsig TERM scripts/boot-uml.sh "${@:2}"
	fi
}

build_kernels() {
	if [[ -n ${SANITIZER:-} ]]; then
		sub smp-build.sh
		return
	fi
	[[ $modes == none ]] || sub uml.sh
	[[ " $modes " != *" none "* ]] || sub stock-uml.sh
}

# torture MODE: its status goes to a file.
torture() {
	local dir=$boot/$1 begin=$EPOCHSECONDS status=0

	rm -rf "$dir"
	mkdir -p "$dir"
	MODE=$1 BOOT_DIR=$dir boot_guest "$1" "$(limit)" "$test" \
		>"$dir/judgement" 2>&1 || status=$?
	echo "$status $((EPOCHSECONDS - begin))" >"$dir/status"
}

# Acknowledgments have left the guest before it went on: it has counted as many
# as were seen from outside.
check_witness() {
	local dir=$boot/$1 seen counted

	seen=$(grep -acE '^(C|E|file|line|row) ' "$dir/witness.log" || :)
	counted=$(sed -n 's/^# mode .* acknowledged=\([0-9]*\) .*/\1/p' \
		"$dir/output.log")
	if [[ $seen == "${counted:-none}" && $seen -gt 0 ]]; then
		add_counts 1 0 0
		return
	fi
	step "$1: ${counted:-no} acknowledgments, but $seen were seen"
	add_counts 0 1 0
}

show_result() {
	local status seconds

	read -r status seconds <"$boot/$1/status"
	count_cases "$boot/$1" "$1" "$status" "$seconds"
	grep -a '^# ' "$boot/$1/output.log" | tail -n 5 || :
	check_witness "$1"
}

check_arguments
export TEST_SECONDS=${TEST_SECONDS:-60}
take_lock
build_kernels
# shellcheck disable=SC2046	# a list of words
need_packages "power cuts" dmsetup kmod mount iproute2 procps \
	$(header "$test" packages) ${SANITIZER:+qemu-system-x86}
build_programs
step "cutting the power in modes $modes, seed ${SEED:-1}, logs in $boot"
for mode in $modes; do
	start_job torture "$mode"
done
wait
for mode in $modes; do
	show_result "$mode"
done
report_counts torture "$passed" "$failed" "$skipped"
