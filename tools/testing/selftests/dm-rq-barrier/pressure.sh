#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Short of memory.  A flush must not wait for memory that only the device itself
# can set free: with the swap space and the dirty files of the system on one
# multipath device, programs use more memory than there is, others sync files,
# and the device loses paths, is suspended and gets other tables and modes.
# Everything goes on and ends, and what was written is right.
#
# Then allocations fail on purpose: all that a round makes, some of all that
# kernel threads make, and one after the other those made when an administrator
# does something.
#
# timeout: 1200
# mem: 208M
# uml: ubd-files 1 1G
# uml: scsi_debug.dev_size_mb=96
# smp: scsi_debug.dev_size_mb=96
# packages: e2fsprogs xfsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need_programs mkfs.ext4 e2fsck mkfs.xfs xfs_repair mkswap swapon python3

PRESSURE=$PWD/pressure.py
DISTURB=$PWD/disturb.py
FAIL_NTH=$PWD/fail_nth.py
DEBUGFS=/sys/kernel/debug
STOP=$WORK/stop
MNT=$WORK/mnt
SECONDS_EACH=$((${TEST_SECONDS:-50} / 10))
# For so long nothing may move.
PATIENCE=60
# More than what is free, for one program; the others need some, too.
EXCESS_MIB=8

# --- waiting ------------------------------------------------------------------

# Somebody hangs: leave at once, clean-up would hang as well.
give_up() {
	echo w >/proc/sysrq-trigger
	msg "$DM: $(show_mode)"
	msg "$(cat "/sys/block/$DM/dm/rq_barrier_stats")"
	msg "$(grep -E '^(Mem|Swap)' /proc/meminfo; grep pswp /proc/vmstat)"
	msg "$(cd "$DEBUGFS/block/$DM" &&
		grep . state requeue_list hctx*/{state,busy,dispatch})"
	msg "$(sort -u "$WORK/stderr" | head -n 20)"
	leave_it_all
	bail_out "$*"
}

# ended WHAT PID: it does, and well
ended() {
	wait_for "$PATIENCE" process_ended "$2" || give_up "$1 does not end"
	expect_exit "$1" "$2" 0
}

# until_enough CONDITION...: and for as long as the test is to last
until_enough() {
	local end=$((EPOCHSECONDS + SECONDS_EACH))

	wait_for $((SECONDS_EACH + PATIENCE)) "$@" || give_up "not: $*"
	wait_for $((SECONDS_EACH + 1)) eval "((EPOCHSECONDS >= end))"
}

# --- the only way to free memory ------------------------------------------------

# mib_of NAME: a line of /proc/meminfo
mib_of() {
	local name size

	while read -r name size _; do
		[[ $name != "$1:" ]] || echo $((size / 1024))
	done </proc/meminfo
}

# vm_count NAME: a line of /proc/vmstat
vm_count() {
	local name count

	while read -r name count; do
		[[ $name != "$1" ]] || echo "$count"
	done </proc/vmstat
}

# Pages were written to swap space and came back; and there were rounds
swapped_and_flushed() {
	(($(vm_count pswpout) > SWAPPED_OUT + 1000 &&
		$(vm_count pswpin) > SWAPPED_IN + 500)) &&
		stat_above rounds $((MARKS[rounds] + 50))
}

# Two devices on the multipath device: SWAP_MIB of swap space, and the rest
split_device() {
	local multipath=$DM swap=$((SWAP_MIB * 2048)) all

	all=$(sectors_of "$DM")
	make_dm "${NAME}_swap" "0 $swap linear $(dev_of "$multipath") 0"
	SWAP=$DMDEV
	make_dm "${NAME}_file" \
		"0 $((all - swap)) linear $(dev_of "$multipath") $swap"
	FILES=$DMDEV
}

# check_fs TYPE
check_fs() {
	case $1 in
	ext4) must e2fsck -f -n "$FILES" ;;
	xfs) must xfs_repair -n "$FILES" ;;
	esac
}

mount_fs() {
	case $1 in
	ext4) must mkfs.ext4 -q -F "$FILES" ;;
	xfs) must mkfs.xfs -q -f "$FILES" ;;
	esac
	must mount "$FILES" "$MNT"
}

# If memory is exhausted after all, this is what the kernel ends.
killable() {
	echo 1000 >"/proc/$BASHPID/oom_score_adj"
	exec "$@"
}

commas() {
	local IFS=,

	echo "$*"
}

# Linux 6.12 allocates memory for an elevator while the queue is frozen.  To
# write to the disk in order to free memory is a deadlock then, if there is
# nothing else to free, and lockdep says so of every disk that has got one, unless
# it does not see it.
#
# new_mpath PATH...: in mode MODE from the beginning
new_mpath() {
	set_default_mode "$MODE"
	without_lockdep make_mpath "$NAME" queue_if_no_path "$@"
}

# under_pressure TYPE SWAP_MIB FILE_MIB PATH...
under_pressure() {
	local SWAP_MIB=$2 SWAP FILES SWAPPED_OUT SWAPPED_IN memory
	local hog file sync disturber

	rm -f "$STOP"
	new_mpath "${@:4}"
	split_device
	mount_fs "$1" || return
	must mkswap "$SWAP"
	must swapon "$SWAP"
	at_exit swapoff "$SWAP"
	use_dm "$NAME"
	mark
	SWAPPED_OUT=$(vm_count pswpout)
	SWAPPED_IN=$(vm_count pswpin)
	memory=$(($(mib_of MemAvailable) + EXCESS_MIB))
	"$DISTURB" --swap "$STOP" "$NAME:$DM:$(commas "${@:4}")" &
	disturber=$!
	killable "$PRESSURE" memory "$memory" "$STOP" &
	hog=$!
	"$PRESSURE" file "$MNT/file" "$3" "$STOP" &
	file=$!
	"$PRESSURE" sync "$MNT" "$STOP" &
	sync=$!
	until_enough swapped_and_flushed
	touch "$STOP"
	ended "disturb.py" "$disturber"
	ended "the hog" "$hog"
	ended "the writer of a file" "$file"
	ended "those who sync" "$sync"
	msg "rounds: $(moved rounds), pages written to swap space:" \
		"$(($(vm_count pswpout) - SWAPPED_OUT))"
	must swapoff "$SWAP"
	must umount "$MNT"
	check_fs "$1"
	must mount "$FILES" "$MNT"
	must "$PRESSURE" check "$MNT/file"
	must umount "$MNT"
	expect_moved errors=0 rejected=0
	expect_is "held" "$(stat held)" 0
	forget_dm "${NAME}_file"
	forget_dm "${NAME}_swap"
	forget_dm "$NAME"
}

on_host_disk() {
	if [[ ! -b /dev/ubda ]]; then
		skip_case "no disk of the host"
		return
	fi
	# it was there before us
	without_lockdep under_pressure xfs 256 \
		$(($(mib_of MemAvailable) * 9 / 8)) ubda
}

# --- allocations that fail ----------------------------------------------------

INJECTORS=("$DEBUGFS/failslab" "$DEBUGFS/fail_page_alloc")
MANY=1000000000

# set_injectors FILE=VALUE...: the files that an injector has
set_injectors() {
	local injector setting

	for injector in "${INJECTORS[@]}"; do
		for setting; do
			[[ ! -e $injector/${setting%=*} ]] ||
				echo "${setting#*=}" \
					>"$injector/${setting%=*}" ||
				fail "$injector: no $setting"
		done
	done
}

# Nothing fails yet, but all kinds of allocations may
prepare_injectors() {
	set_injectors probability=0 interval=1 space=0 verbose=0 times="$MANY" \
		task-filter=N ignore-gfp-wait=N ignore-gfp-highmem=N \
		min-order=0 require-start=0 require-end=0xffffffffffffffff
}

# How many allocations have failed
failures() {
	local injector sum=0

	for injector in "${INJECTORS[@]}"; do
		((sum += MANY - $(<"$injector/times")))
	done
	echo "$sum"
}

# failures_and_rounds FAILURES: more than so many
failures_and_rounds() {
	(($(failures) > $1)) && stat_above rounds $((MARKS[rounds] + 100))
}

# Those that begin in the function.  The filter looks at return addresses.
only_in_function() {
	local range

	range=$(awk -v name="$1" '
		found && $1 != found { print found, $1; exit }
		$3 == name { found = $1 }' /proc/kallsyms)
	expect_match "the addresses of $1" "$range" '[1-9a-f].* .*[1-9a-f]'
	set_injectors stacktrace-depth=32 "require-start=0x${range% *}" \
		"require-end=0x${range#* }"
}

# write_blocks FAILURES: until so many allocations have failed; nobody minds.
write_blocks() {
	local writer

	rm -f "$STOP"
	"$PRESSURE" blocks "$DMDEV" "$STOP" &
	writer=$!
	until_enough failures_and_rounds "$1"
	msg "allocations that failed: $(failures), rounds: $(moved rounds)"
	set_injectors probability=0
	touch "$STOP"
	ended "the writer" "$writer"
	expect_moved errors=0 rejected=0
	expect_is "held" "$(stat held)" 0
}

# Not a single one would succeed.  With one clone, as multipath makes it, a round
# allocates nothing: the clone's target io is there, its request is one of the
# path's tags, and scsi_debug needs nothing for a flush.
rounds_without_memory() {
	if [[ ! -e $DEBUGFS/failslab/require-start ]]; then
		skip_case "no CONFIG_FAULT_INJECTION_STACKTRACE_FILTER"
		return
	fi
	new_mpath "${SCSI_PATHS[@]}"
	mark
	prepare_injectors
	only_in_function dm_rq_barrier_work
	set_injectors probability=100
	write_blocks -1
	expect_is "allocations of rounds" "$(failures)" 0
	prepare_injectors
	forget_dm "$NAME"
}

# may_fail 0|1: the threads of the kernel that work for others, and those that
# they will be joined by
may_fail() {
	local task

	for task in /proc/[0-9]*; do
		[[ $(cat "$task/comm" 2>/dev/null) == kworker/* ]] || continue
		echo "$1" 2>/dev/null >"$task/make-it-fail"
	done
	# its children inherit it
	echo "$1" >"/proc/$(pgrep -o -x kthreadd)/make-it-fail"
}

# workers_without_memory FAILURES PATHS: requests that are dispatched again, and the
# paths' own work, until so many allocations have failed.  A path that has failed
# for it is reinstated.  There are few where the path's driver needs no memory.
workers_without_memory() {
	local disturber failures=$1

	shift
	new_mpath "$@"
	mark
	prepare_injectors
	may_fail 1
	set_injectors task-filter=Y probability=20
	rm -f "$STOP"
	"$DISTURB" --only no_path,flap "$STOP" "$NAME:$DM:$(commas "$@")" &
	disturber=$!
	write_blocks "$failures"
	ended "disturb.py" "$disturber"
	may_fail 0
	prepare_injectors
	forget_dm "$NAME"
}

each_allocation_fails() {
	local writer

	new_mpath "${SCSI_PATHS[@]}"
	mark
	prepare_injectors
	rm -f "$STOP"
	"$PRESSURE" blocks "$DMDEV" "$STOP" &
	writer=$!
	must "$FAIL_NTH" "${NAME}_new" "$NAME:$DM:$(commas "${SCSI_PATHS[@]}")"
	touch "$STOP"
	ended "the writer" "$writer"
	expect_moved errors=0 rejected=0
	expect_is "held" "$(stat held)" 0
	forget_dm "$NAME"
}

# with_barriers SENTENCE FUNCTION [ARGS]: in both modes, set when a device is made
with_barriers() {
	local mode

	for mode in flush drain_flush; do
		add_case "$mode: $1" in_mode "$mode" "${@:2}"
	done
}

in_mode() {
	MODE=$1
	"${@:2}"
}

mkdir "$MNT"
at_exit umount -l "$MNT"
without_lockdep make_scsi_paths 2

with_barriers "swap space and a file on two paths" \
	under_pressure ext4 72 16 "${SCSI_PATHS[@]}"
with_barriers "swap space and a file larger than memory" on_host_disk
for INJECTOR in "${INJECTORS[@]}"; do
	[[ -d $INJECTOR ]] || run_cases
done
at_exit may_fail 0
at_exit prepare_injectors
with_barriers "rounds get no memory" rounds_without_memory
with_barriers "little memory for kernel threads, SCSI" \
	workers_without_memory 4 "${SCSI_PATHS[@]}"
[[ ! -b /dev/ubda ]] ||
	with_barriers "little memory for kernel threads, a disk of the host" \
		workers_without_memory 100 ubda
with_barriers "each allocation fails in turn" each_allocation_fails
run_cases
