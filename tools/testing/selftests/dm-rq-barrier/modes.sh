#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The ordered mode as users see it: rq_ordered of a device, the default for new
# devices, what is refused, and what a device advertises in each mode.
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

BAD_WORDS=("" " " none. "flush " " flush" flushed FLUSH "[flush]" 1
	"none flush" drain drain-flush drain_flush_ "flush drain_flush"
	$'flush\n\n' "$(printf '%4000s' x)")

# expect_refused FILE WORD: EINVAL, and nothing changes.  printf writes nothing
# at all for an empty word, so that gets the newline that echo would write.
expect_refused() {
	local before word=$2

	before=$(cat "$1")
	must_fail "Invalid argument" write_word "$1" "${word:-$'\n'}"
	expect_is "$1 after \"${word:0:20}\"" "$(cat "$1")" "$before"
}

write_word() {
	printf '%s' "$2" >"$1"
}

device_takes_its_modes() {
	local mode

	use_dm "$NAME"
	expect_mode "of a new device" drain_flush
	for mode in none flush drain_flush; do
		must set_mode "$mode"
		expect_mode "after $mode" "$mode"
		must set_mode "$mode"
		expect_mode "after $mode again" "$mode"
	done
	for mode in none flush drain_flush; do
		must write_word "/sys/block/$DM/dm/rq_ordered" "$mode"
		expect_mode "after $mode, no newline" "$mode"
	done
}

# Between modes that advertise the same nothing is advertised anew, which would
# raise it.
read_ahead_stays() {
	local file=/sys/block/$DM/queue/read_ahead_kb before mode

	use_dm "$NAME"
	set_mode none
	before=$(cat "$file")
	echo 0 >"$file"
	for mode in flush none; do
		must set_mode "$mode"
		expect_is "read_ahead_kb in mode $mode" "$(cat "$file")" 0
	done
	echo "$before" >"$file"
}

# What the kernel was configured with.
default_is_drain_flush() {
	if grep -q dm_mod.rq_ordered= /proc/cmdline; then
		skip_case "the kernel command line has dm_mod.rq_ordered="
		return
	fi
	expect_is "default" "$DEFAULT_MODE" drain_flush
}

device_refuses_bad_words() {
	local word

	use_dm "$NAME"
	for word in "${BAD_WORDS[@]}"; do
		expect_refused "/sys/block/$DM/dm/rq_ordered" "$word"
	done
	must set_mode none
	expect_refused "/sys/block/$DM/dm/rq_ordered" drain
	must set_mode drain_flush
}

# bio_based TABLE
bio_based() {
	make_dm "${NAME}_bio" "$1"
	expect_is "rq_ordered" "$(show_mode)" "[none]"
	must set_mode none
	must_fail "not supported" set_mode flush
	must_fail "not supported" set_mode drain_flush
	must_fail "Invalid argument" set_mode nonsense
	expect_is "rq_ordered" "$(show_mode)" "[none]"
	expect_is "rq_barrier_stats" "$(cat "/sys/block/$DM/dm/rq_barrier_stats")" ""
	must flush_dm
	forget_dm "${NAME}_bio"
	use_dm "$NAME"
}

bio_multipath() {
	bio_based "0 $(sectors_of "$A") multipath 2 queue_mode bio 0 1 1 \
round-robin 0 1 1 $(dev_of "$A") 1"
}

linear() {
	bio_based "0 $(sectors_of "$B") linear $(dev_of "$B") 0"
}

default_refuses_bad_words() {
	local word

	for word in "${BAD_WORDS[@]}"; do
		# the kernel takes a page less one byte as it is
		expect_refused "$RQ_ORDERED_DEFAULT" "$word"
	done
}

default_is_for_new_devices() {
	local mode

	for mode in none flush; do
		set_default_mode "$mode"
		expect_is "default" "$(cat "$RQ_ORDERED_DEFAULT")" "$mode"
		use_dm "$NAME"
		expect_mode "of an old device" drain_flush
		make_mpath "${NAME}_new" "" "$B"
		expect_mode "of a new device" "$mode"
		set_default_mode drain_flush
		expect_is "default" "$(cat "$RQ_ORDERED_DEFAULT")" drain_flush
		expect_mode "of a device made before" "$mode"
		forget_dm "${NAME}_new"
		use_dm "$NAME"
		expect_mode "of the first device" drain_flush
	done
}

# expect_advertised WHEN TYPE FUA
expect_advertised() {
	expect_is "write_cache $1" "$(queue_attr "$DM" write_cache)" "$2"
	expect_is "fua $1" "$(queue_attr "$DM" fua)" "$3"
}

# A scsi_debug disk has FUA as long as it has a cache.
advertised_without_cache() {
	use_dm "$NAME"
	set_mode flush
	cache_type "$A" "temporary write through"
	reload_dm "$NAME" "$(rq_table "" "$A")"
	expect_advertised "in mode flush" "write back" 0
	set_mode none
	expect_advertised "in mode none" "write back" 0
	set_mode drain_flush
	expect_advertised "in mode drain_flush" "write back" 0
	set_mode none
	cache_type "$A" "temporary write back"
	expect_advertised "in mode none, path changed" "write back" 0
	reload_dm "$NAME" "$(rq_table "" "$A")"
	expect_advertised "in mode none, reloaded" "write back" 1
	set_mode drain_flush
}

advertised_with_cache() {
	local mode

	use_dm "$NAME"
	reload_dm "$NAME" "$(rq_table "" "$A")"
	expect_advertised "in mode drain_flush, reloaded" "write back" 0
	for mode in none flush drain_flush flush none drain_flush; do
		set_mode "$mode"
		if [[ $mode == drain_flush ]]; then
			expect_advertised "in mode $mode" "write back" 0
		else
			expect_advertised "in mode $mode" "write back" 1
		fi
	done
}

# What waits in an elevator has not reached dm, so drain_flush starts without
# one.  The administrator may choose one, and who switches the mode chooses none.
scheduler() {
	sed 's/.*\[\(.*\)\].*/\1/' "/sys/block/$DM/queue/scheduler"
}

scheduler_of_new_device() {
	local mode

	for mode in none flush; do
		set_default_mode "$mode"
		make_mpath "${NAME}_new" "" "$B"
		expect_is "scheduler in mode $mode" "$(scheduler)" mq-deadline
		must set_mode drain_flush
		expect_is "scheduler after a switch" "$(scheduler)" mq-deadline
		forget_dm "${NAME}_new"
	done
	set_default_mode drain_flush
	make_mpath "${NAME}_new" "" "$B"
	expect_is "scheduler in mode drain_flush" "$(scheduler)" none
	echo kyber >"/sys/block/$DM/queue/scheduler"
	expect_is "the administrator's scheduler" "$(scheduler)" kyber
	must flush_dm
	reload_dm "${NAME}_new" "$(rq_table "" "$B")"
	expect_is "scheduler after a reload" "$(scheduler)" kyber
	expect_is "sequences" "$(stat sequences)" 1
	forget_dm "${NAME}_new"
	use_dm "$NAME"
}

# What the administrator says of the device itself stays.
administrators_word() {
	use_dm "$NAME"
	echo "write through" >"/sys/block/$DM/queue/write_cache"
	mark
	must flush_dm
	expect_moved rounds=0
	echo "write back" >"/sys/block/$DM/queue/write_cache"
	must flush_dm
	expect_moved rounds=1
}

none_makes_no_rounds() {
	local before

	set_mode none
	before=$(cat "/sys/block/$DM/dm/rq_barrier_stats")
	trace_start dm_rq_barrier block:block_rq_issue
	must write_block A 1 conv=fsync
	must write_block A 1 oflag=direct,dsync
	must flush_dm
	trace_stop
	expect_is "rq_barrier_stats" "$(cat "/sys/block/$DM/dm/rq_barrier_stats")" \
		"$before"
	expect_is "events" "$(trace_lines | grep -c dm_rq_barrier_)" 0
	expect_num "flushes of $A" "$(issued "$A" FF)" -eq 3
	set_mode "$MODE"
	mark
	must flush_dm
	expect_moved rounds=1
}

# Rounds, and nothing of the sequencer
flush_makes_no_sequences() {
	local events

	trace_start dm_rq_barrier
	mark
	must write_block A 1 conv=fsync
	must flush_dm
	trace_stop
	expect_moved rounds=2 sequences=0 held_max=0 hold_ns=0 drained=0
	events=$(trace_lines | grep -oE 'dm_rq_barrier_[a-z_]+' | sort -u |
		sed 's/dm_rq_barrier_//' | paste -sd ' ')
	expect_is "events" "$events" "clone_end map round_end round_start"
}

mode_survives_tables() {
	local mode

	use_dm "$NAME"
	for mode in none flush drain_flush; do
		set_mode "$mode"
		reload_dm "$NAME" "$(rq_table "" "$A")"
		expect_mode "after a reload" "$mode"
		reload_dm "$NAME" "$(rq_table "" "$A")" --noflush
		expect_mode "after a reload without flushing" "$mode"
	done
}

# All six directions, and from each mode it is resumed in
ALL_DIRECTIONS="none flush none drain_flush flush drain_flush"

switch_while_suspended() {
	local mode resumed

	use_dm "$NAME"
	for resumed in none flush drain_flush; do
		must dmsetup suspend "$NAME"
		for mode in $ALL_DIRECTIONS "$resumed"; do
			must set_mode "$mode"
		done
		must dmsetup resume "$NAME"
		expect_mode "after the resume" "$resumed"
		mark
		must flush_dm
		expect_moved "rounds=$([[ $resumed == none ]] && echo 0 || echo 1)"
		expect_moved "sequences=$([[ $resumed == drain_flush ]] &&
			echo 1 || echo 0)"
	done
}

# A device that has its type but no live table yet.
switch_without_table() {
	local mode

	set_default_mode drain_flush
	must dmsetup create "${NAME}_new" --notable
	at_exit remove_dm "${NAME}_new"
	must dmsetup load "${NAME}_new" --table "$(rq_table "" "$B")"
	use_dm "${NAME}_new"
	expect_mode "with a type" drain_flush
	for mode in $ALL_DIRECTIONS; do
		must set_mode "$mode"
	done
	must dmsetup resume "${NAME}_new"
	expect_mode "after the resume" drain_flush
	must flush_dm
	expect_is "rounds" "$(stat rounds)" 1
	expect_is "sequences" "$(stat sequences)" 1
	forget_dm "${NAME}_new"
	use_dm "$NAME"
}

# Whatever else ran since the machine was started.
says_once_that_it_is_active() {
	local version

	version=$(cat /sys/module/dm_mod/version)
	expect_match "version" "$version" '^[0-9]+[.][0-9]+$'
	expect_is "messages" \
		"$(dmesg | grep -o 'rq-barrier: version .* is active')" \
		"rq-barrier: version $version is active"
}

make_scsi_paths 2
A=${SCSI_PATHS[0]}
B=${SCSI_PATHS[1]}
set_default_mode drain_flush
make_mpath "$NAME" "" "$A"

add_case "drain_flush is the default" default_is_drain_flush
add_case "a device shows its mode and takes the others" device_takes_its_modes
add_case "switching between none and flush leaves the read-ahead" read_ahead_stays
add_case "a device refuses bad words" device_refuses_bad_words
add_case "bio-based multipath has mode none only" bio_multipath
add_case "a linear device has mode none only" linear
add_case "the default refuses bad words" default_refuses_bad_words
add_case "the default is for new devices" default_is_for_new_devices
add_case "paths without a cache: the device advertises one in each mode" \
	advertised_without_cache
add_case "paths with FUA: drain_flush alone advertises none" \
	advertised_with_cache
add_case "a device made in mode drain_flush has no scheduler" \
	scheduler_of_new_device
add_barrier_cases "queue/write_cache of the device is the administrator's" \
	administrators_word
add_barrier_cases "mode none before it: no round, no event, no counter" \
	none_makes_no_rounds
add_case "mode flush: rounds, and nothing of the sequencer" \
	with_mode flush flush_makes_no_sequences
add_case "the mode survives a reload" mode_survives_tables
add_case "the mode of a suspended device can be switched" switch_while_suspended
add_case "the mode can be switched before the first resume" switch_without_table
add_case "the kernel log says the version, once" says_once_that_it_is_active
run_cases
