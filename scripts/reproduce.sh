#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make reproduce: each script of reproduce/ in a guest with a stock kernel and in
# one with the series, side by side.  A problem has to be seen on the stock kernel
# and not with the series.  TESTS="P1 P5": only these.
#
# They run in user mode Linux.  Where that has one processor, those that say
# "# processors: N" run in QEMU, on kernels that are small.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=header.sh
. scripts/header.sh
# shellcheck source=jobs.sh
. scripts/jobs.sh
# shellcheck source=counts.sh
. scripts/counts.sh
# shellcheck source=stock-tree.sh
. scripts/stock-tree.sh
# shellcheck source=uml-smp.sh
. scripts/uml-smp.sh

export KERNELS=$KB/reproduce CONFIGS=$ROOT/reproduce
# shellcheck source=small-kernels.sh
. scripts/small-kernels.sh

# Seconds that a script may take, if it does not say
LIMIT=60
# Of a column of the table
WIDTH=52

# all_problems: their scripts without .sh, in the order of the README
all_problems() {
	find reproduce -name 'P*.sh' -printf '%f\n' | sed 's/[.]sh$//' | sort -V
}

problems_to_show() {
	local problem known

	known=$(all_problems)
	for problem in ${TESTS:-$known}; do
		problem=${problem##*/}
		problem=${problem%.sh}
		grep -qx "$problem" <<<"$known" ||
			die "$problem is not one of ${known//$'\n'/ }"
		echo "$problem"
	done
}

# processors PROBLEM: nothing, if one will do
processors() {
	header "reproduce/$1.sh" processors
}

# machine_of PROBLEM: what its guests are
machine_of() {
	if [[ -z $(processors "$1") ]]; then
		echo uml
	elif uml_has_smp; then
		echo smp_uml
	else
		echo qemu
	fi
}

# --- kernels ------------------------------------------------------------------

# What every kernel for QEMU gets
qemu_options() {
	local fragments=(scripts/smp.config)

	[[ ! -f patches/$KERNEL/smp.config ]] ||
		fragments+=("patches/$KERNEL/smp.config")
	grep -h '^CONFIG_' "${fragments[@]}"
}

build_for_uml() {
	sub uml.sh
	sub stock-uml.sh
}

build_for_smp_uml() {
	sub smp-uml-build.sh
	sub stock-uml.sh smp
}

build_for_qemu() {
	local options

	[[ $(uname -m) == x86_64 ]] ||
		die "several processors need an x86-64 machine to build for one"
	need_packages "several processors" qemu-system-x86
	mapfile -t options < <(qemu_options)
	need_space 800 "building kernels for several processors"
	mkdir -p "$KERNELS"
	unpack_stock
	build_kernel stock x86_64 "$STOCK_TREE" bzImage "${options[@]}"
	build_kernel series x86_64 "$TREE" bzImage "${options[@]}" \
		CONFIG_DM_RQ_BARRIER=y
}

build_what_is_needed() {
	local problem machine

	sub tree.sh
	need_compiler
	setup_ccache
	for machine in $(for problem in $problems; do
		machine_of "$problem"
	done | sort -u); do
		"build_for_$machine"
	done
}

need_programs() {
	local problem packages

	packages=$(for problem in $problems; do
		header "reproduce/$problem.sh" packages
	done)
	# shellcheck disable=SC2086	# a list of words
	need_packages "the scripts" dmsetup mount iproute2 procps $packages
}

# --- guests -------------------------------------------------------------------

# boot_uml SERIES STOCK KERNEL SECONDS SCRIPT: the images of both kernels
boot_uml() {
	local uml=$1

	[[ $3 == series ]] || uml=$2
	UML=$uml setpriv --pdeathsig TERM scripts/boot-uml.sh "${@:4}"
}

# boot_in_uml KERNEL SECONDS SCRIPT
boot_in_uml() {
	boot_uml "$UML_DIR/linux" "$STOCK/uml/linux" "$@"
}

# boot_in_smp_uml KERNEL SECONDS SCRIPT
boot_in_smp_uml() {
	UML_ARGS=$(CPUS=$(header "$3" processors) uml_smp_arguments) \
		boot_uml "$UML_SMP" "$STOCK/smp-uml/linux" "$@"
}

# boot_in_qemu KERNEL SECONDS SCRIPT
boot_in_qemu() {
	IMAGE=$KERNELS/o-$1/arch/x86/boot/bzImage CPUS=$(header "$3" processors) \
		setpriv --pdeathsig TERM scripts/boot-smp.sh "${@:2}"
}

guest_dir() {
	echo "$KERNELS/boot/$1-$2"
}

# try PROBLEM KERNEL: in a guest; its status goes to a file.
try() {
	local script=reproduce/$1.sh boot dir limit mem status=0

	dir=$(guest_dir "$1" "$2")
	boot=boot_in_$(machine_of "$1")
	limit=$(header "$script" timeout)
	mem=$(header "$script" mem)
	MEM=${MEM:-$mem} BOOT_DIR=$dir $boot "$2" "${limit:-$LIMIT}" "$script" \
		>"$dir/judgement" 2>&1 || status=$?
	echo "$status" >"$dir/status"
}

start_tries() {
	local problem kernel dir

	for problem in $problems; do
		for kernel in stock series; do
			dir=$(guest_dir "$problem" "$kernel")
			rm -rf "$dir"
			mkdir -p "$dir"
			start_job try "$problem" "$kernel"
		done
	done
	wait
}

# --- the table ----------------------------------------------------------------

# cannot_be_shown PROBLEM KERNEL: the script says that this kernel lacks what it takes.
cannot_be_shown() {
	[[ $(<"$(guest_dir "$1" "$2")/status") == 4 ]]
}

# said PROBLEM KERNEL: the last line of the script, if it could tell
said() {
	local dir

	dir=$(guest_dir "$1" "$2")
	if cannot_be_shown "$@"; then
		sed -n 's/^FAIL: /cannot be shown: /p' "$dir/output.log"
		return
	fi
	if [[ $(<"$dir/status") != 0 ]]; then
		echo "cannot tell: $(tail -n 1 "$dir/judgement"), see $dir"
		return
	fi
	grep -aE '^(problem seen|not seen): ' "$dir/output.log" | tail -n 1
}

# row LEFT MIDDLE RIGHT: as many lines as it takes
row() {
	local first=$1 middle right

	while IFS=$'\t' read -r middle right; do
		printf "%-4s %-${WIDTH}s  %s\n" "$first" "$middle" "$right"
		first=
	done < <(paste <(fold -s -w $WIDTH <<<"$2") <(fold -s -w $WIDTH <<<"$3") |
		sed 's/^\t/ \t/')
}

show_problem() {
	local stock series

	stock=$(said "$1" stock)
	series=$(said "$1" series)
	row "$1" "$stock" "$series"
	if [[ $stock == "problem seen: "* && $series == "not seen: "* ]]; then
		add_counts 1 0 0
		return
	fi
	if cannot_be_shown "$1" stock && cannot_be_shown "$1" series; then
		add_counts 0 0 1
		return
	fi
	add_counts 0 1 0
	row "" "^^^ has to be seen" "^^^ must not be seen"
}

take_lock
problems=$(problems_to_show) || {
	said_verdict=1
	exit 1
}
build_what_is_needed
need_programs
step "two guests for each of $(wc -w <<<"$problems") scripts, logs in $KERNELS/boot"
start_tries
step "side by side"
row "" "stock kernel" "with the series, mode drain_flush"
for problem in $problems; do
	show_problem "$problem"
done
report_counts reproduce "$passed" "$failed" "$skipped"
