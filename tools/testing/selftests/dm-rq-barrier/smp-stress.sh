#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Concurrency: on several processors and hardware queues, one elevator after the
# other, everything at once.  One multipath device carries raw writers, readers,
# discards and programs that flush in every way, another one a file system;
# meanwhile both lose paths, are suspended and resumed, get other tables and
# messages and change between all ordered modes, and processors go and come.
#
# Nothing hangs: reads, writes and flushes of both devices go on all the time.
# What was written is right, the file systems are consistent, nothing is held
# in the end, and the devices can be removed.
#
# Then devices are removed by force.  What uses them fails, and ends.
#
# For kernels with lockdep, KASAN or KCSAN, and processors that are real.  It runs
# for $TEST_SECONDS, or ten minutes.
#
# smp-seconds: 600
# smp-timeout: 1500
# smp: scsi_debug.dev_size_mb=64 scsi_debug.submit_queues=4 scsi_debug.lbpu=1
# packages: fio e2fsprogs xfsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-fs.sh
. "$(dirname "$0")/lib-fs.sh"

DISTURB=$PWD/disturb.py
DM_PARAMETERS=/sys/module/dm_mod/parameters
RAW=${NAME}_raw
FS=${NAME}_fs
FIO_SIZE=512k
SECONDS_EACH=$((${TEST_SECONDS:-600} / 4))
# For so long nothing may move.  The longest that anything waits on purpose is
# a second; the rest is what slow processors and a busy host need.
PATIENCE=60

# --- load ---------------------------------------------------------------------

# Each job verifies what it wrote in a region of its own, the reader what was
# written for it at first.
raw_load() {
	fio --thread --filename="/dev/$RAW_DM" --direct=1 --bs=4k --size=2m \
		--verify=crc32c --verify_fatal=1 --verify_state_save=0 \
		--runtime="$SECONDS_EACH" --output="$WORK/raw" \
		--name=fill --rw=write --runtime=0 --size=1m --bs=64k \
		--verify_interval=4k --do_verify=0 \
		--name=read --ioengine=libaio --iodepth=4 --rw=randread \
		--size=1m --wait_for=fill --time_based \
		--name=write --ioengine=libaio --iodepth=16 --rw=randwrite \
		--offset=4m --time_based \
		--name=uring --ioengine=io_uring --iodepth=16 --rw=randwrite \
		--bsrange=4k-32k --offset=6m --time_based \
		--name=fdatasync --ioengine=psync --rw=randwrite --fdatasync=1 \
		--numjobs=2 --offset=8m --offset_increment=2m --size=1m \
		--time_based \
		--name=dsync --ioengine=libaio --iodepth=4 --rw=randwrite \
		--sync=dsync --offset=12m --size=1m --time_based \
		--name=dsync_fsync --ioengine=psync --rw=randwrite \
		--sync=dsync --fsync=8 --offset=14m --size=1m --time_based \
		--name=trim --ioengine=psync --rw=randtrim --offset=16m \
		--verify=0 --time_based && return
	cat "$WORK/raw"
	return 1
}

fs_load() {
	run_fio --verify_state_save=0 --time_based --runtime="$SECONDS_EACH"
}

# --- progress ---------------------------------------------------------------

# Somebody hangs: leave at once, clean-up would hang as well.  The kernel's log
# gets the stacks of those who wait.
give_up() {
	echo w >/proc/sysrq-trigger
	for DM in "$RAW_DM" "$FS_DM"; do
		msg "$DM: $(show_mode)"
		msg "$(cat "/sys/block/$DM/dm/rq_barrier_stats")"
		msg "$(cd "/sys/kernel/debug/block/$DM" &&
			grep . state requeue_list hctx*/{state,busy,dispatch})"
	done
	trap - EXIT
	bail_out "$*"
}

# ended WHAT PID: it does, and well
ended() {
	wait_for "$PATIENCE" process_ended "$2" || give_up "$1 does not end"
	expect_exit "$1" "$2" 0
}

# A second, without a process: to start one is much work where this runs.
nap() {
	read -rt 1 <>"$WORK/nobody-writes"
}

declare -A VALUE SINCE

# expect_progress DM COUNTER...: once they have begun to move, they go on.
expect_progress() {
	local counter key

	DM=$1
	for counter in "${@:2}"; do
		get_counter "$counter"
		key=$DM-$counter
		if [[ $COUNTER != "${VALUE[$key]:-$COUNTER}" ]]; then
			SINCE[$key]=$EPOCHSECONDS
		fi
		VALUE[$key]=$COUNTER
		((EPOCHSECONDS <= ${SINCE[$key]:-EPOCHSECONDS} + PATIENCE)) ||
			give_up "$DM: $counter is $COUNTER since $PATIENCE s"
	done
}

# wait_for_load PID: until it ends, and see that nothing stands still.  As long
# as nothing does, only the caller knows how long is too long.
wait_for_load() {
	VALUE=()
	SINCE=()
	until process_ended "$1"; do
		expect_progress "$RAW_DM" "$RAW_DM".{reads,writes} rounds
		expect_progress "$FS_DM" "$FS_DM.writes" rounds
		nap
	done
}

# --- cases --------------------------------------------------------------------

make_file_system() {
	DMDEV=/dev/$FS_DM
	case $1 in
	ext4) must mkfs.ext4 -q -F -E lazy_itable_init=0 "$DMDEV" 64M ;;
	xfs) must mkfs.xfs -q -f "$DMDEV" ;;
	esac
	must mount "$DMDEV" "$MNT"
}

# fio has verified it; is it the same after a remount?
check_file_system() {
	sha256sum "$MNT"/*.0 >"$WORK/sums" || fail "cannot be read back"
	must umount "$MNT"
	must check_fs "$1"
	must mount "$DMDEV" "$MNT" || return
	must sha256sum -c "$WORK/sums"
	must umount "$MNT"
}

# expect_idle NAME DM: nothing is left in it, and it can be removed.
expect_idle() {
	DM=$2
	msg "$1: $(grep -E 'sequences|extra|held_max|drained|requeues' \
		"/sys/block/$DM/dm/rq_barrier_stats" | paste -sd ' ')"
	expect_is "$1, held" "$(stat held)" 0
	expect_is "$1, errors" "$(stat errors)" 0
	expect_is "$1, mode" "$(show_mode)" "none flush [drain_flush]"
	forget_dm "$1"
}

commas() {
	local IFS=,

	echo "$*"
}

# set_elevator DM ELEVATOR
set_elevator() {
	echo "$2" >"/sys/block/$1/queue/scheduler" ||
		fail "$1 does not take the elevator $2"
}

# stress ELEVATOR FILE-SYSTEM QUEUE-DEPTH PATH...
stress() {
	local elevator=$1 type=$2 paths=("${@:4}") raw fs disturber

	rm -f "$WORK/stop"
	echo "$3" >"$DM_PARAMETERS/dm_mq_queue_depth"
	make_mpath "$RAW" queue_if_no_path "${paths[@]}"
	RAW_DM=$DM
	make_mpath "$FS" queue_if_no_path "${LOOP_PATHS[@]}"
	FS_DM=$DM
	make_file_system "$type"
	fs_load &
	fs=$!
	raw_load &
	raw=$!
	set_elevator "$RAW_DM" "$elevator"
	set_elevator "$FS_DM" "$elevator"
	"$DISTURB" "$WORK/stop" "$RAW:$RAW_DM:$(commas "${paths[@]}")" \
		"$FS:$FS_DM:$(commas "${LOOP_PATHS[@]}")" &
	disturber=$!
	wait_for_load "$raw"
	touch "$WORK/stop"
	ended "disturb.py" "$disturber"
	ended "the raw load" "$raw"
	ended "the file system's load" "$fs"
	check_file_system "$type"
	expect_idle "$RAW" "$RAW_DM"
	expect_idle "$FS" "$FS_DM"
}

both_have_rounds() {
	for DM in "$RAW_DM" "$FS_DM"; do
		stat_above rounds 20 || return
	done
}

# dmsetup puts the error target in the place of the table.  It cannot remove
# what is in use, and that stays in use by us until it was looked at.
replaced_by_errors() {
	dmsetup remove --force "$1" &
	wait_for "$PATIENCE" process_ended $! || give_up "$1: no removal"
	expect_exit "the removal of $1 in use" $! fails
	expect_match "the table of $1" "$(dmsetup table "$1" 2>&1)" " error"
}

# must_end_failing WHAT PID
must_end_failing() {
	wait_for "$PATIENCE" process_ended "$2" || give_up "$1 does not end"
	expect_exit "$1" "$2" fails
}

# expect_gone NAME DM: nothing is left in it, and then not even itself.
expect_gone() {
	DM=$2
	expect_is "$1, held" "$(stat held)" 0
	exec 3<&-
	forget_dm "$1"
	[[ ! -e /sys/block/$2 ]] || fail "$1 is still there"
}

# usable_again NAME PATH...: a new device on the same paths works.
usable_again() {
	make_mpath "$1" "" "${@:2}"
	must write_block F 0
	must flush_dm
	expect_is "the block" "$(read_block 0)" F
	expect_num "rounds" "$(stat rounds)" -gt 0
	forget_dm "$1"
}

# The loads do not end by themselves before.
removed_by_force() {
	local SECONDS_EACH=3600 raw fs

	make_mpath "$RAW" queue_if_no_path "${SCSI_PATHS[@]}"
	RAW_DM=$DM
	make_mpath "$FS" queue_if_no_path "${LOOP_PATHS[@]}"
	FS_DM=$DM
	make_file_system ext4
	fs_load >/dev/null &
	fs=$!
	raw_load >/dev/null &
	raw=$!
	wait_for "$PATIENCE" both_have_rounds || give_up "no rounds"
	exec 3<"/dev/$RAW_DM"
	replaced_by_errors "$RAW"
	replaced_by_errors "$FS"
	must_end_failing "the raw load" "$raw"
	must_end_failing "the file system's load" "$fs"
	must umount "$MNT"
	expect_gone "$RAW" "$RAW_DM"
	expect_gone "$FS" "$FS_DM"
	usable_again "$RAW" "${SCSI_PATHS[@]}"
	usable_again "$FS" "${LOOP_PATHS[@]}"
}

# Everybody waits for a path then, and a sequence may be anywhere.
removed_without_paths() {
	local SECONDS_EACH=3600 raw path

	make_mpath "$RAW" queue_if_no_path "${SCSI_PATHS[@]}"
	RAW_DM=$DM
	FS_DM=$DM
	raw_load >/dev/null &
	raw=$!
	wait_for "$PATIENCE" both_have_rounds || give_up "no rounds"
	for path in "${SCSI_PATHS[@]}"; do
		path_message fail_path "$path"
	done
	exec 3<"/dev/$RAW_DM"
	replaced_by_errors "$RAW"
	must_end_failing "the load" "$raw"
	expect_gone "$RAW" "$RAW_DM"
	usable_again "$RAW" "${SCSI_PATHS[@]}"
}

mkfifo "$WORK/nobody-writes"
MNT=$WORK/mnt
mkdir "$MNT"
at_exit umount -l "$MNT"
make_loops 2 320
make_scsi_paths 2
echo 50000 >"$SDEBUG/ndelay"
make_cached_nullb "${NAME}n" submit_queues=4 hw_queue_depth=64 irqmode=2 \
	completion_nsec=100000 discard=1
set_default_mode drain_flush
for PARAMETER in dm_mq_nr_hw_queues dm_mq_queue_depth; do
	at_exit eval "echo $(<$DM_PARAMETERS/$PARAMETER) >$DM_PARAMETERS/$PARAMETER"
done
echo 4 >$DM_PARAMETERS/dm_mq_nr_hw_queues

# Queues that are shorter than what the load has in flight run out of tags.
add_case "none, two paths" stress none ext4 2048 "${SCSI_PATHS[@]}"
add_case "mq-deadline, a path that may block, few tags" \
	stress mq-deadline xfs 4 "${NAME}n"
add_case "kyber, two paths, few tags" stress kyber ext4 8 "${SCSI_PATHS[@]}"
# Linux 6.12's bfq takes its own lock and those of block/blk-ioc.c in an order
# that lockdep complains about, whatever the device.
add_case "bfq, a path that may block" \
	without_lockdep stress bfq xfs 2048 "${NAME}n"
add_case "removed by force under load" removed_by_force
add_case "removed by force while there is no path" removed_without_paths
run_cases
