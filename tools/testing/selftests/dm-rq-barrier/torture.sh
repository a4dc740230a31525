#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The power is cut under load, at random moments, and nothing is lost that was
# acknowledged; see torture.py.  The same in mode none, on paths that a stock
# kernel handles wrongly, loses data, or this would prove nothing.
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

add_mode() {
	case $1 in
	flush) add_case "flush: what was acknowledged survives power cuts" \
		cut_power flush ;;
	drain_flush) add_case "drain_flush: so does all before a flush" \
		cut_power drain_flush ;;
	none) add_case "none: acknowledged data is lost, as on a stock kernel" \
		cut_power none --expect-losses --storage mixed flipped ;;
	*) bail_out "MODE=$1 is not one of none, flush, drain_flush" ;;
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
for mode in ${MODE:-flush drain_flush none}; do
	add_mode "$mode"
done
run_cases
