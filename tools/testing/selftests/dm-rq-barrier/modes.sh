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
	"none flush" drain_flush $'flush\n\n' "$(printf '%4000s' x)")

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
	use_dm "$NAME"
	expect_is "rq_ordered of a new device" "$(show_mode)" "none [flush]"
	must set_mode none
	expect_is "rq_ordered after none" "$(show_mode)" "[none] flush"
	must set_mode none
	expect_is "rq_ordered after none again" "$(show_mode)" "[none] flush"
	must write_word "/sys/block/$DM/dm/rq_ordered" flush
	expect_is "rq_ordered after flush, no newline" "$(show_mode)" "none [flush]"
}

device_refuses_bad_words() {
	local word

	use_dm "$NAME"
	for word in "${BAD_WORDS[@]}"; do
		expect_refused "/sys/block/$DM/dm/rq_ordered" "$word"
	done
	must set_mode none
	expect_refused "/sys/block/$DM/dm/rq_ordered" drain_flush
	must set_mode flush
}

# bio_based TABLE
bio_based() {
	make_dm "${NAME}_bio" "$1"
	expect_is "rq_ordered" "$(show_mode)" "[none]"
	must set_mode none
	must_fail "not supported" set_mode flush
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
	set_default_mode none
	expect_is "default" "$(cat "$RQ_ORDERED_DEFAULT")" none
	use_dm "$NAME"
	expect_is "old device" "$(show_mode)" "none [flush]"
	make_mpath "${NAME}_new" "" "$B"
	expect_is "new device" "$(show_mode)" "[none] flush"
	set_default_mode flush
	expect_is "default" "$(cat "$RQ_ORDERED_DEFAULT")" flush
	expect_is "device made before" "$(show_mode)" "[none] flush"
	forget_dm "${NAME}_new"
	use_dm "$NAME"
	expect_is "first device" "$(show_mode)" "none [flush]"
}

# expect_cache WHAT TYPE
expect_cache() {
	expect_is "write_cache $1" "$(queue_attr "$DM" write_cache)" "$2"
}

advertised_cache() {
	use_dm "$NAME"
	cache_type "$A" "temporary write through"
	reload_dm "$NAME" "$(rq_table "" "$A")"
	expect_cache "in mode flush" "write back"
	set_mode none
	expect_cache "in mode none" "write through"
	set_mode flush
	expect_cache "in mode flush again" "write back"
	set_mode none
	cache_type "$A" "temporary write back"
	expect_cache "in mode none, path changed" "write through"
	reload_dm "$NAME" "$(rq_table "" "$A")"
	expect_cache "in mode none, reloaded" "write back"
	set_mode flush
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

	use_dm "$NAME"
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
	set_mode flush
	mark
	must flush_dm
	expect_moved rounds=1
}

mode_survives_tables() {
	use_dm "$NAME"
	set_mode none
	reload_dm "$NAME" "$(rq_table "" "$A")"
	expect_is "rq_ordered after a reload" "$(show_mode)" "[none] flush"
	set_mode flush
	reload_dm "$NAME" "$(rq_table "" "$A")" --noflush
	expect_is "rq_ordered after a reload" "$(show_mode)" "none [flush]"
}

switch_while_suspended() {
	use_dm "$NAME"
	must dmsetup suspend "$NAME"
	must set_mode none
	must set_mode flush
	must set_mode none
	must dmsetup resume "$NAME"
	expect_is "rq_ordered" "$(show_mode)" "[none] flush"
	must set_mode flush
	mark
	must flush_dm
	expect_moved rounds=1
}

# A device that has its type but no live table yet.
switch_without_table() {
	must dmsetup create "${NAME}_new" --notable
	at_exit remove_dm "${NAME}_new"
	must dmsetup load "${NAME}_new" --table "$(rq_table "" "$B")"
	use_dm "${NAME}_new"
	expect_is "rq_ordered with a type" "$(show_mode)" "none [flush]"
	must set_mode none
	must set_mode flush
	must dmsetup resume "${NAME}_new"
	expect_is "rq_ordered" "$(show_mode)" "none [flush]"
	must flush_dm
	expect_is "rounds" "$(stat rounds)" 1
	forget_dm "${NAME}_new"
	use_dm "$NAME"
}

make_scsi_paths 2
A=${SCSI_PATHS[0]}
B=${SCSI_PATHS[1]}
set_default_mode flush
make_mpath "$NAME" "" "$A"

add_case "a device shows its mode and takes the other" device_takes_its_modes
add_case "a device refuses bad words" device_refuses_bad_words
add_case "bio-based multipath has mode none only" bio_multipath
add_case "a linear device has mode none only" linear
add_case "the default refuses bad words" default_refuses_bad_words
add_case "the default is for new devices" default_is_for_new_devices
add_case "mode flush advertises a cache, mode none what paths say" \
	advertised_cache
add_case "queue/write_cache of the device is the administrator's" \
	administrators_word
add_case "mode none: no round, no event, no counter" none_makes_no_rounds
add_case "the mode survives a reload" mode_survives_tables
add_case "the mode of a suspended device can be switched" switch_while_suspended
add_case "the mode can be switched before the first resume" switch_without_table
run_cases
