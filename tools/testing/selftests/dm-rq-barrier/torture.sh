#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The power is cut under load, at random moments, and nothing is lost that was
# acknowledged; see torture.py.  The same on a stock kernel, on paths that it
# handles wrongly (P1, P2), loses data, or this would prove nothing.
#
# A kernel with the series has the modes flush and drain_flush to try.  Mode none
# is that of a stock kernel, and only of that: with the series these two defects
# are mended in each mode, by patches of their own.
#
# A few cuts for each mode.  $MODE: only that one; $CUTS: so many, or as many as
# take $TEST_SECONDS; $SEED: other ones; $CUT: only that one, or $CUTS from it on.
# $WITNESS is a terminal on another system, which gets each acknowledgment.
#
# timeout: 1200
# smp-timeout: 3000
# packages: e2fsprogs xfsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

export ANY_KERNEL=1
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_programs python3 mkfs.ext4 e2fsck mkfs.xfs xfs_repair

TORTURE=$PWD/torture.py
LOAD=${OUTPUT:-$PWD}/torture-load
SHORT=12

how_many() {
	if [[ -n ${CUT:-} ]]; then
		echo "--first $CUT --cuts ${CUTS:-1}"
	elif [[ -n ${CUTS:-} ]]; then
		echo "--cuts $CUTS"
	elif [[ -n ${TEST_SECONDS:-} ]]; then
		echo "--seconds $TEST_SECONDS"
	else
		echo "--cuts $SHORT"
	fi
}

# cut_power MODE [OPTIONS]
cut_power() {
	local status=0

	# shellcheck disable=SC2046	# a list of words
	"$TORTURE" "$LOAD" --mode "$1" --seed "${SEED:-1}" $(how_many) \
		${WITNESS:+--witness "$WITNESS"} "${@:2}" \
		2>"$WORK/errors" || status=$?
	((status != 0)) || return 0
	fail "again with SEED=${SEED:-1}, MODE=$1 and CUT=, the number of the cut"
	((status == 3)) && return
	msg "$(<"$WORK/errors")"
	leave_it_all
	bail_out "torture.py ended with status $status"
}

# The disk itself is a path in storage mixed, and its driver may sleep: a kernel
# that looks for it complains (P10).
lose_data() {
	expect_report "BUG: (sleeping function called|scheduling while atomic)"
	expect_report "WARNING: suspicious RCU usage"
	cut_power none --expect-losses --storage mixed flipped
}

possible_modes() {
	if kernel_has_barriers; then
		echo flush drain_flush
	else
		echo none
	fi
}

add_mode() {
	[[ " $(possible_modes) " == *" $1 "* ]] ||
		bail_out "MODE=$1: this kernel has $(possible_modes);" \
			"none is for a stock kernel, the others are for the series"
	case $1 in
	flush) add_case "flush: what was acknowledged survives power cuts" \
		cut_power flush ;;
	drain_flush) add_case "drain_flush: so does all before a flush" \
		cut_power drain_flush ;;
	none) add_case "none: acknowledged data is lost on a stock kernel" \
		lose_data ;;
	esac
}

# A page fault costs much in user mode Linux: memory that was there once stays.
export PYTHONMALLOC=malloc MALLOC_TOP_PAD_=33554432 \
	MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=2000000000

[[ -x $LOAD ]] || bail_out "$LOAD has not been built"
modprobe -q null_blk nr_devices=0
modprobe -q loop
modprobe -aq target_core_iblock tcm_loop
[[ -d $NULLB_CONFIG ]] || skip_all "null_blk has no configfs interface"
[[ -d /sys/kernel/config/target/core ]] ||
	skip_all "a kernel without a SCSI target"
for mode in ${MODE:-$(possible_modes)}; do
	add_mode "$mode"
done
run_cases
