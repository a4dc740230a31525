#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by every test of this directory: devices to put a request-based
# multipath on, and ways to see what became of a flush.  Cases are those of
# lib-cases.sh; a test ends with run_cases.
#
# Who sets ANY_KERNEL uses what a kernel without barriers has, too.

export DM_DISABLE_UDEV=1 LC_ALL=C

# shellcheck source=lib-cases.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib-cases.sh"

NULLB_CONFIG=/sys/kernel/config/nullb
SDEBUG=/sys/bus/pseudo/drivers/scsi_debug
SDEBUG_FS=/sys/kernel/debug/scsi_debug
TRACE=/sys/kernel/tracing/instances/dm_rq_barrier
RQ_ORDERED_DEFAULT=/sys/module/dm_mod/parameters/rq_ordered
# Everything that tests create has this prefix.
export NAME=drb

LOG_MARK="dm-rq-barrier selftest ${0##*/} $$ $EPOCHREALTIME"

# --- kernel log -------------------------------------------------------------

kernel_log() {
	dmesg | awk -v mark="$LOG_MARK" \
		'seen { print } index($0, mark) { seen = 1 }'
}

log_has() {
	kernel_log | grep -qE -e "$1"
}

expect_log() {
	wait_for 10 log_has "$1" || fail "the kernel log lacks \"$1\""
}

# expect_report REGEX: the kernel may complain so; who booted it for the test
# reads that, too.
EXPECTED_REPORTS='^$'
expect_report() {
	EXPECTED_REPORTS+="|$1"
	echo "# expect-kernel-report: $1"
}

kernel_is_quiet() {
	local reports

	reports=$(kernel_log | grep -E -e 'BUG:|WARNING:|Oops|KASAN|UBSAN' \
		-e 'sleeping function called|blocked for more than' |
		grep -vE -e "$EXPECTED_REPORTS")
	[[ -z $reports ]] || fail "$reports"
}

# From now on
watch_log() {
	echo "$LOG_MARK" >/dev/kmsg
}

# The last case is always the same: whatever happened, the kernel did not
# complain about it.
run_cases() {
	add_case "the kernel reports no bug of its own" kernel_is_quiet
	watch_log
	run_all_cases
}

# --- paths ------------------------------------------------------------------

dev_of() {
	cat "/sys/block/$1/dev"
}

sectors_of() {
	cat "/sys/block/$1/size"
}

is_block() {
	[[ -b /dev/$1 && -s /sys/block/$1/size ]]
}

remove_nullb() {
	echo 0 >"$NULLB_CONFIG/$1/power"
	rmdir "$NULLB_CONFIG/$1"
}

# make_nullb DISK [ATTRIBUTE=VALUE]...: a null_blk of 64 MiB.
make_nullb() {
	local dir=$NULLB_CONFIG/$1 attr

	modprobe -q null_blk nr_devices=0
	[[ -d $NULLB_CONFIG ]] || bail_out "null_blk has no configfs interface"
	mkdir "$dir" || bail_out "cannot make null_blk $1"
	at_exit remove_nullb "$1"
	for attr in size=64 blocksize=4096 "${@:2}"; do
		echo "${attr#*=}" >"$dir/${attr%%=*}" ||
			bail_out "null_blk $1: cannot set $attr"
	done
	echo 1 >"$dir/power" || bail_out "null_blk $1 does not start"
	wait_for 10 is_block "$1" || bail_out "no /dev/$1"
}

# kernel_since MAJOR MINOR: the one that runs is of that line or a newer one.
kernel_since() {
	local major minor

	IFS=.- read -r major minor _ < <(uname -r)
	((major > $1 || (major == $1 && minor >= $2)))
}

# can_mark_blocking: dm cannot make queues for drivers that sleep before 6.2.
can_mark_blocking() {
	kernel_since 6 2
}

# make_cached_nullb DISK [ATTRIBUTE=VALUE]...: one with a volatile cache.
make_cached_nullb() {
	make_nullb "$1" memory_backed=1 cache_size=16 "${@:2}"
}

# power_cut DISK: what is in the volatile cache is gone, and so is the disk.
power_cut() {
	echo 0 >"$NULLB_CONFIG/$1/power" || fail "cannot power $1 off"
}

power_on() {
	echo 1 >"$NULLB_CONFIG/$1/power" || fail "cannot power $1 on"
	wait_for 10 is_block "$1" || fail "$1 did not come back"
}

scsi_debug_disks() {
	local disk

	for disk in /sys/bus/pseudo/devices/adapter*/host*/target*/*/block/*; do
		[[ ! -b /dev/${disk##*/} ]] || echo "${disk##*/}"
	done | sort
}

new_scsi_disks() {
	SCSI_PATHS=()
	mapfile -t SCSI_PATHS < <(comm -13 <(echo "$1") <(scsi_debug_disks))
	((${#SCSI_PATHS[@]} == $2))
}

# without_lockdep COMMAND...: it looks at nothing meanwhile, and remembers nothing.
without_lockdep() {
	local proving=/proc/sys/kernel/prove_locking was=

	[[ ! -e $proving ]] || was=$(<"$proving")
	[[ -z $was ]] || echo 0 >"$proving"
	"$@"
	[[ -z $was ]] || echo "$was" >"$proving"
}

# add_scsi_hosts COUNT: negative to remove as many
add_scsi_hosts() {
	echo "$1" >"$SDEBUG/add_host"
}

# Linux 6.12's lockdep takes the writeback of a disk that is removed for that of
# a file system which was on top of the multipath device; not our business.
remove_scsi_paths() {
	without_lockdep add_scsi_hosts "-$1"
}

# make_scsi_paths COUNT: as many hosts, all of which show one LUN; their disks
# are in SCSI_PATHS.
make_scsi_paths() {
	local before

	modprobe -q scsi_debug add_host=0
	[[ -d $SDEBUG ]] || bail_out "no scsi_debug"
	before=$(scsi_debug_disks)
	echo 0 >"$SDEBUG/vpd_use_hostno"
	echo 0 >"$SDEBUG/per_host_store"
	echo 0 >"$SDEBUG/delay"
	add_scsi_hosts "$1" || bail_out "cannot add scsi_debug hosts"
	at_exit remove_scsi_paths "$1"
	wait_for 30 new_scsi_disks "$before" "$1" ||
		bail_out "scsi_debug shows ${#SCSI_PATHS[@]} new disks instead of $1"
	for before in "${SCSI_PATHS[@]}"; do
		wait_for 30 cache_is "$before" "write back" ||
			bail_out "$before is not ready"
	done
}

hctl_of() {
	basename "$(readlink -f "/sys/block/$1/device")"
}

# cache_type DISK TYPE: with "temporary" in front only the kernel's view of
# this one path changes, without it the LUN does.
cache_type() {
	local hctl

	hctl=$(hctl_of "$1")
	echo "$2" >"/sys/class/scsi_disk/$hctl/cache_type" ||
		fail "cannot make the cache of $1 $2"
}

cache_is() {
	[[ $(cat "/sys/block/$1/queue/write_cache" 2>/dev/null) == "$2" ]]
}

# can_inject: scsi_debug cannot have a chosen command of one disk fail before 6.7.
can_inject() {
	kernel_since 6 7
}

readonly NO_INJECTION="scsi_debug of this kernel injects no errors"

# injecting COMMAND...: a case that needs that
injecting() {
	if can_inject; then
		"$@"
	else
		skip_case "$NO_INJECTION"
	fi
}

# inject DISK RULE: scsi_debug's error injection, see scsi_debug.c.
inject() {
	echo "$2" >"$SDEBUG_FS/$(hctl_of "$1")/error" ||
		fail "$1 does not take the injection \"$2\""
}

# set_online DISK running|offline
set_online() {
	echo "$2" >"/sys/block/$1/device/state" || fail "$1 does not go $2"
}

# What becomes of SYNCHRONIZE CACHE, or of another opcode: type 2 is a failed
# command; count (negative is how many times, positive is always), opcode, host
# byte, driver byte, status byte, sense key, additional sense code and its
# qualifier.
#
# inject_transport_error DISK [COUNT [OPCODE]]: a disk that cannot do that goes
# offline, which is a path error as well, for all commands and for good.
inject_transport_error() {
	if can_inject; then
		inject "$1" "2 ${2:-1} ${3:-0x35} 0x0f 0 0 0 0 0"
	else
		set_online "$1" offline
	fi
}

inject_illegal_request() {
	inject "$1" "2 ${2:-1} 0x35 0 0 0x02 0x05 0x20 0"
}

# inject_nothing DISK [OPCODE]
inject_nothing() {
	if can_inject; then
		echo "- 2 ${2:-0x35}" 2>/dev/null \
			>"$SDEBUG_FS/$(hctl_of "$1")/error" || :
	else
		set_online "$1" running
	fi
}

LOOP_PATHS=()

# make_loops COUNT MIB: loop devices on one file, so that all show one LUN.
# They have a volatile cache and no FUA.
make_loops() {
	local file=$WORK/loop.$RANDOM loop i

	modprobe -q loop
	truncate -s "$2M" "$file"
	LOOP_PATHS=()
	for ((i = 0; i < $1; i++)); do
		loop=$(losetup --find --show "$file") || bail_out "no loop device"
		at_exit losetup -d "$loop"
		LOOP_PATHS+=("${loop##*/}")
	done
}

# --- multipath --------------------------------------------------------------

# smallest PATH...: sectors
smallest() {
	local path

	for path; do
		sectors_of "$path"
	done | sort -n | head -n 1
}

# rq_table FEATURES PATH...: request-based multipath, all paths in one
# round-robin group.
rq_table() {
	local features="queue_mode mq${1:+ $1}" words path

	read -ra words <<<"$features"
	printf '0 %s multipath %s %s 0 ' "${SECTORS:-$(smallest "${@:2}")}" \
		"${#words[@]}" "$features"
	if (($# == 1)); then
		echo "0 0"
		return
	fi
	printf '1 1 round-robin 0 %s 1' $(($# - 1))
	for path in "${@:2}"; do
		printf ' %s 1' "$(dev_of "$path")"
	done
	echo
}

remove_dm() {
	dmsetup message "$1" 0 fail_if_no_path
	dmsetup resume "$1"
	dmsetup remove --retry "$1" || dmsetup remove --force "$1"
}

# use_dm NAME: DM and DMDEV stand for that device from now on.
use_dm() {
	DMNAME=$1
	DM=dm-$(dmsetup info -c --noheadings -o minor "$1")
	DMDEV=/dev/$DM
	[[ -b $DMDEV ]] || bail_out "no $DMDEV"
}

# make_dm NAME TABLE
make_dm() {
	dmsetup create "$1" --table "$2" || bail_out "cannot make $1: $2"
	at_exit remove_dm "$1"
	use_dm "$1"
}

# make_mpath NAME FEATURES PATH...
make_mpath() {
	make_dm "$1" "$(rq_table "${@:2}")"
}

# forget_dm NAME: remove it before the test ends.
forget_dm() {
	must dmsetup remove --retry "$1"
}

# reload_dm NAME TABLE [SUSPEND OPTIONS]
reload_dm() {
	must dmsetup load "$1" --table "$2" &&
		must dmsetup suspend "${@:3}" "$1" &&
		must dmsetup resume "$1"
}

path_message() {
	must dmsetup message "$DMNAME" 0 "$1" "$(dev_of "$2")"
}

# path_state PATH: A or F, then how often it failed.
path_state() {
	dmsetup status "$DMNAME" |
		grep -oE "\b$(dev_of "$1") [AF] [0-9]+" | cut -d ' ' -f 2-
}

path_state_is() {
	[[ $(path_state "$1") == "$2" ]]
}

paths_failed() {
	local path

	for path; do
		[[ $(path_state "$path") == F* ]] || return 1
	done
}

queue_attr() {
	cat "/sys/block/$1/queue/$2"
}

set_mode() {
	echo "$1" >"/sys/block/$DM/dm/rq_ordered"
}

show_mode() {
	cat "/sys/block/$DM/dm/rq_ordered"
}

set_default_mode() {
	echo "$1" >"$RQ_ORDERED_DEFAULT"
}

# expect_mode WHEN MODE: rq_ordered shows all modes, that one in brackets.
expect_mode() {
	local modes=" none flush drain_flush "

	modes=${modes/ $2 / [$2] }
	modes=${modes# }
	expect_is "rq_ordered $1" "$(show_mode)" "${modes% }"
}

# with_mode MODE FUNCTION [ARGS]: run it with all devices in that mode, those
# that there are and those to come.
with_mode() {
	local dm

	MODE=$1
	set_default_mode "$MODE"
	for dm in /sys/block/dm-*/dm; do
		[[ $(<"$dm/rq_ordered") == "[none]" ]] ||
			echo "$MODE" >"$dm/rq_ordered" || fail "no mode $MODE"
	done
	"${@:2}"
}

# add_barrier_cases SENTENCE FUNCTION [ARGS]: a case for each mode with barriers
add_barrier_cases() {
	local mode

	for mode in flush drain_flush; do
		add_case "$mode: $1" with_mode "$mode" "${@:2}"
	done
}

# --- what became of a flush ---------------------------------------------------

# get_counter NAME: into COUNTER.  PATH.reads, PATH.writes and PATH.flushes are
# of /sys/block/PATH/stat, all others of rq_barrier_stats.
get_counter() {
	local fields name

	COUNTER=
	case $1 in
	*.*)
		read -ra fields <"/sys/block/${1%.*}/stat"
		;;&
	*.reads) COUNTER=${fields[0]} ;;
	*.writes) COUNTER=${fields[4]} ;;
	*.flushes) COUNTER=${fields[15]} ;;
	*)
		while read -r name COUNTER; do
			[[ $name != "$1" ]] || return
		done <"/sys/block/$DM/dm/rq_barrier_stats"
		fail "no counter $1"
		;;
	esac
}

# stat NAME
stat() {
	get_counter "$1"
	echo "$COUNTER"
}

stat_above() {
	get_counter "$1"
	((COUNTER > $2))
}

held_is() {
	get_counter held
	((COUNTER == $1))
}

declare -A MARKS

# mark PATH...: remember all counters.
mark() {
	local name path

	while read -r name COUNTER; do
		MARKS[$name]=$COUNTER
	done <"/sys/block/$DM/dm/rq_barrier_stats"
	for path; do
		for name in "$path".{reads,writes,flushes}; do
			get_counter "$name"
			MARKS[$name]=$COUNTER
		done
	done
}

# moved NAME: by how much since mark
moved() {
	get_counter "$1"
	echo $((COUNTER - MARKS[$1]))
}

# expect_moved NAME=N...
expect_moved() {
	local want

	for want; do
		get_counter "${want%=*}"
		expect_num "${want%=*} moved by" \
			$((COUNTER - MARKS[${want%=*}])) -eq "${want#*=}"
	done
}

# flush_dm: one flush, waited for.  For a raw device the kernel hides
# -EOPNOTSUPP from fsync (blkdev_fsync()), but not from a write.
flush_dm() {
	sync "$DMDEV"
}

# The same in the background; FLUSH is the process, to be given to expect_exit.
start_flush() {
	sync "$DMDEV" &
	export FLUSH=$!
}

# pattern LETTER: one block of 4 KiB
pattern() {
	local block

	printf -v block '%4096s' ''
	printf '%s' "${block// /$1}"
}

# write_block LETTER BLOCK [DD OPERANDS]: one write request, past all caches of
# the system.
write_block() {
	pattern "$1" | dd of="$DMDEV" bs=4k seek="$2" count=1 iflag=fullblock \
		conv=notrunc status=none "${3:-oflag=direct}"
}

# write_fua COUNT [FIO OPTIONS]: as many FUA writes, one after the other.  Asynchronous I/O,
# as the kernel adds an fsync to a synchronous write with O_DSYNC.
write_fua() {
	fio --name=fua --filename="$DMDEV" --thread --ioengine=libaio --direct=1 \
		--sync=dsync --rw=write --bs=4k --size=$(($1 * 4))k \
		--invalidate=0 --output=/dev/null "${@:2}"
}

# read_block BLOCK: its letter, nothing for zeroes, ? for a mixture
read_block() {
	local letters

	letters=$(dd if="$DMDEV" bs=4k skip="$1" count=1 iflag=direct \
		status=none | tr -d '\0' | tr -s 'A-Za-z')
	((${#letters} <= 1)) && echo "$letters" || echo "?"
}

# --- tracing ------------------------------------------------------------------

trace_stop() {
	echo 0 >"$TRACE/tracing_on"
}

remove_trace() {
	trace_stop
	echo >"$TRACE/set_event"
	rmdir "$TRACE"
}

# trace_start EVENT...: "dm_rq_barrier" for all of a system, or "block:NAME"
trace_start() {
	local event

	if [[ ! -d $TRACE ]]; then
		mkdir "$TRACE" || bail_out "no tracing instances"
		at_exit remove_trace
	fi
	echo >"$TRACE/set_event"
	echo >"$TRACE/trace"
	for event; do
		[[ $event == *:* ]] || event+=":*"
		echo "$event" >>"$TRACE/set_event" || fail "no event $event"
	done
	echo 1 >"$TRACE/tracing_on"
}

trace_lines() {
	grep -v '^#' "$TRACE/trace"
}

# trace_has REGEX
trace_has() {
	trace_lines | grep -qE -e "$1"
}

# expect_event REGEX: of dm_rq_barrier
expect_event() {
	trace_has "dm_rq_barrier_$1" || {
		fail "no event \"$1\" in"
		msg "$(trace_lines)"
	}
}

# The trace has a switch from each mode to each other one.
expect_all_switches() {
	local from to

	for from in none flush drain_flush; do
		for to in none flush drain_flush; do
			[[ $from == "$to" ]] ||
				expect_event "mode: .* $from -> $to\$"
		done
	done
}

# issued DISK REGEX: requests that its driver was given, by the letters that
# blktrace uses: FF is a flush, WF a FUA write, W any write.  Counts in every
# mode, other than the flush column of stat.
issued() {
	trace_lines | grep -c "block_rq_issue: $(dev_of "$1" | tr : ,) $2"
}

# --- prerequisites --------------------------------------------------------------

# need_programs PROGRAM...
need_programs() {
	local program

	for program; do
		command -v "$program" >/dev/null ||
			skip_all "there is no $program"
	done
}

mount_at() {
	mountpoint -q "$2" || mount -t "$1" none "$2"
}

kernel_has_barriers() {
	[[ -e $RQ_ORDERED_DEFAULT ]]
}

[[ $UID == 0 ]] || skip_all "must be run as root"
# Who asks for processors gets nothing proved with fewer.
[[ $(nproc) == "${TEST_CPUS:-$(nproc)}" ]] ||
	bail_out "there are $(nproc) processors instead of $TEST_CPUS"
modprobe -q dm-multipath
kernel_has_barriers || [[ -n ${ANY_KERNEL:-} ]] ||
	skip_all "a kernel without CONFIG_DM_RQ_BARRIER"
need_programs dmsetup losetup
mount_at debugfs /sys/kernel/debug
mount_at tracefs /sys/kernel/tracing
mount_at configfs /sys/kernel/config
if kernel_has_barriers; then
	DEFAULT_MODE=$(cat "$RQ_ORDERED_DEFAULT")
	at_exit eval "echo $DEFAULT_MODE >$RQ_ORDERED_DEFAULT"
fi
