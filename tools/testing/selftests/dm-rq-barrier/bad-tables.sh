#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Malformed tables and messages for a request-based device that is in use, and
# states that it must not be in.  Each is refused with the right error and a
# message of the kernel that says why, and changes nothing: the live table and
# the ordered mode stay, the device works, and a path that was only named in a
# table that was refused is free for others.
#
# What is refused because a driver may sleep is in blocking.sh, bad modes are in
# modes.sh.
#
# timeout: 900
# packages: util-linux
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

LONG=$(printf '%4000s' '' | tr ' ' x)
# What a table begins and ends with that has nothing wrong
MQ="2 queue_mode mq"

# --- nothing has changed ------------------------------------------------------

remember() {
	LIVE=$(dmsetup table "$NAME")
	LOGGED=$(($(kernel_log | wc -l) + 1))
	REASONS=()
	NUMBER=$((NUMBER + 1))
	LETTER=$(printf '%b' "\\x$(printf %x $((0x41 + NUMBER % 26)))")
}

# claim DISK: for a moment, as mount does; zeroes its third block
claim() {
	blkdiscard --zeroout --offset 8192 --length 4096 "/dev/$1"
}

nothing_changed() {
	expect_reasons
	expect_is "live table" "$(dmsetup table "$NAME")" "$LIVE"
	expect_is "table that is loaded" "$(dmsetup table --inactive "$NAME")" ""
	expect_mode "now" drain_flush
	mark
	must write_block "$LETTER" 1
	must flush_dm
	expect_is "block 1" "$(read_block 1)" "$LETTER"
	expect_moved rounds=1 errors=0 requeues=0
	must claim "$SPARE"
	must_fail "busy" claim "$PATH_IN_USE"
}

# --- what is refused ----------------------------------------------------------

# expect_refused ERROR MESSAGE COMMAND...
expect_refused() {
	must_fail "$1" "${@:3}"
	REASONS+=("$2")
}

# The kernel has said why, each time.
expect_reasons() {
	local log reason times

	log=$(kernel_log | tail -n "+$LOGGED")
	while read -r times reason; do
		expect_num "messages \"$reason\"" \
			"$(grep -cF -e "$reason" <<<"$log")" -ge "$times"
	done < <(printf '%s\n' "${REASONS[@]}" | sort | uniq -c)
}

load() {
	dmsetup load "$NAME" <<<"$1"
}

# A new device never comes to be.
create() {
	dmsetup create "${NAME}_new" <<<"$1" || return
	dmsetup remove "${NAME}_new"
}

# refuse_all LIST: lines of an error, a message and a table or the parameters of
# one that is as large as the spare path
refuse_all() {
	local error message table command

	while IFS='|' read -r error message table; do
		[[ -n $error ]] || continue
		[[ $table == *multipath* || $table == *linear* ]] ||
			table="0 $SIZE multipath $table"
		for command in load create; do
			expect_refused "$error" "$message" "$command" "$table"
		done
	done <<<"$1"
}

bad_tables() {
	remember
	refuse_all "$1"
	nothing_changed
}

EINVAL="Invalid argument"

bad_features() {
	bad_tables "
$EINVAL|invalid number of feature args|
$EINVAL|invalid number of feature args|x 0 0 0
$EINVAL|invalid number of feature args|-1 0 0 0
$EINVAL|invalid number of feature args|9 a b c d e f g h i 0 0 0
$EINVAL|invalid number of feature args|2 queue_mode
$EINVAL|Unrecognised multipath feature request|1 queue_mode mq 0 0 0
$EINVAL|Unrecognised multipath feature request|1 drain_flush 0 0 0
$EINVAL|Unrecognised multipath feature request|1 $LONG 0 0 0
$EINVAL|Unknown 'queue_mode' requested|2 queue_mode bfq 0 0 0
$EINVAL|Unknown 'queue_mode' requested|2 queue_mode drain_flush 0 0 0
$EINVAL|Unknown 'queue_mode' requested|2 queue_mode $LONG 0 0 0
$EINVAL|pg_init_retries must be between|4 queue_mode mq pg_init_retries 51 0 0 0
$EINVAL|pg_init_delay_msecs must be|4 queue_mode mq pg_init_delay_msecs x 0 0 0
$EINVAL|invalid number of hardware handler args|$MQ x 0 0
$EINVAL|invalid number of hardware handler args|$MQ 5 alua 0 0
"
}

bad_groups() {
	bad_tables "
$EINVAL|invalid number of priority groups|$MQ 0
$EINVAL|invalid number of priority groups|$MQ 0 1025 1
$EINVAL|invalid initial priority group number|$MQ 0 1
$EINVAL|invalid initial priority group |$MQ 0 0 1
$EINVAL|invalid initial priority group |$MQ 0 1 0 round-robin 0 1 1 $S 1
$EINVAL|priority group count mismatch|$MQ 0 1 1
$EINVAL|priority group count mismatch|$MQ 0 2 1 round-robin 0 1 1 $S 1
$EINVAL|priority group count mismatch|$MQ 0 0 0 round-robin 0 1 1 $S 1
$EINVAL|not enough priority group arguments|$MQ 0 1 1 round-robin
$EINVAL|unknown path selector type|$MQ 0 1 1 $NAME 0 1 1 $S 1
$EINVAL|unknown path selector type|$MQ 0 1 1 $LONG 0 1 1 $S 1
$EINVAL|invalid number of path selector args|$MQ 0 1 1 round-robin 9 1 1 $S 1
$EINVAL|invalid number of paths|$MQ 0 1 1 round-robin 0 0 1
$EINVAL|invalid number of paths|$MQ 0 1 1 round-robin 0 1025 1 $S 1
$EINVAL|invalid number of selector args|$MQ 0 1 1 round-robin 0 1 x $S 1
$EINVAL|not enough path parameters|$MQ 0 1 1 round-robin 0 2 1 $S 1
$EINVAL|round-robin ps: invalid repeat count|$MQ 0 1 1 round-robin 0 1 1 $S x
$EINVAL|round-robin ps: incorrect number|$MQ 0 1 1 round-robin 0 1 2 $S 1 2
"
}

# Linux 6.1 has the same error for all that is no path, and a device may be its
# own path there.
if kernel_since 6 2; then
	NO_FILE="No such file"
	NO_DISK="Block device required"
	TOO_LONG="too long"
	NO_PATH=$EINVAL
else
	NO_FILE="No such device"
	NO_DISK=$NO_FILE
	TOO_LONG=$NO_FILE
	NO_PATH=$NO_FILE
fi

bad_paths() {
	local rr="$MQ 0 1 1 round-robin 0 1 1"

	bad_tables "
No such device|error getting device|$rr 4095:1 1
$NO_FILE|error getting device|$rr /dev/${NAME}_nobody 1
$NO_DISK|error getting device|$rr /dev/null 1
$TOO_LONG|error getting device|$rr /dev/$LONG$LONG 1
Value too large|error getting device|$rr 4294967295:0 1
"
	kernel_since 6 2 || return 0
	remember
	expect_refused "$EINVAL" "error getting device" \
		load "0 $SIZE multipath $rr $(dev_of "$DM") 1"
	nothing_changed
}

bio_based_path() {
	local linear

	remember
	make_dm "${NAME}_linear" "0 $SIZE linear $S 0"
	linear=$(dev_of "$DM")
	refuse_all "
$EINVAL|non-request-stackable|$MQ 0 1 1 round-robin 0 1 1 $linear 1
$EINVAL|non-request-stackable|$MQ 0 1 1 round-robin 0 2 1 $S 1 $linear 1
"
	forget_dm "${NAME}_linear"
	use_dm "$NAME"
	nothing_changed
}

partition() {
	need_program addpart || return
	must addpart "/dev/$SPARE" 1 64 4096
	bad_tables "
$EINVAL|non-request-stackable|0 4096 multipath $MQ 0 1 1 round-robin 0 1 1 \
$(<"/sys/block/$SPARE/${SPARE}1/dev") 1
"
	must delpart "/dev/$SPARE" 1
}

need_program() {
	command -v "$1" >/dev/null || skip_case "there is no $1"
	[[ -z $CASE_SKIPPED ]]
}

bad_targets() {
	local half=$((SIZE / 2)) ps="$MQ 0 1 1 round-robin 0 1 1 $S 1"

	bad_tables "
$EINVAL|zero-length target|0 0 multipath $ps
$EINVAL|too large device|0 36028797018963968 multipath $ps
$EINVAL|Gap in table|8 $half multipath $ps
$EINVAL|unknown target type|0 $half multipathy $ps
"
}

# One target, and no other
two_targets() {
	local half=$((SIZE / 2)) other command
	local mpath="multipath $MQ 0 1 1 round-robin 0 1 1 $S 1"

	remember
	for other in "$mpath" "linear $S 0" error; do
		for command in load create; do
			expect_refused "$EINVAL" "must appear alone in table" \
				"$command" "0 $half $mpath
$half $half $other"
			expect_refused "$EINVAL" "must appear alone in table" \
				"$command" "0 $half $other
$half $half $mpath"
		done
	done
	nothing_changed
}

# What the device is, its first table has said.
other_type() {
	remember
	expect_refused "$EINVAL" "can't change device type" load \
		"0 $SIZE multipath 2 queue_mode bio 0 1 1 round-robin 0 1 1 $S 1"
	expect_refused "$EINVAL" "can't replace immutable target type" \
		load "0 $SIZE linear $S 0"
	nothing_changed
}

# Larger than the path: a device that has a queue finds out when it is resumed.
too_large() {
	local table

	remember
	table="0 $((SIZE + 8)) multipath $MQ 0 1 1 round-robin 0 1 1 $S 1"
	expect_refused "$EINVAL" "too small for target" create "$table"
	must load "$table"
	must dmsetup suspend "$NAME"
	expect_refused "$EINVAL" "too small for target" dmsetup resume "$NAME"
	must dmsetup resume "$NAME"
	nothing_changed
}

# --- what is not refused ------------------------------------------------------

# The error target may replace any other one, and be replaced.
error_target() {
	remember
	reload_dm "$NAME" "0 $SIZE error"
	mark
	must_fail "Input/output error" write_block B 1
	must_fail "Input/output error" flush_dm
	expect_moved rounds=1 errors=1
	must claim "$PATH_IN_USE"
	reload_dm "$NAME" "$LIVE"
	nothing_changed
}

no_path_at_all() {
	remember
	reload_dm "$NAME" "0 $SIZE multipath $MQ 0 0 0"
	mark
	must_fail "Input/output error" write_block B 1
	must_fail "Input/output error" flush_dm
	expect_moved rounds=1 errors=1 requeues=0
	reload_dm "$NAME" "0 $SIZE multipath 3 queue_mode mq queue_if_no_path 0 0 0"
	mark
	start_flush
	wait_for 30 stat_above requeues "${MARKS[requeues]}" ||
		fail "the flush does not wait"
	must load "$LIVE"
	must dmsetup suspend --noflush "$NAME"
	must dmsetup resume "$NAME"
	expect_exit "the flush" "$FLUSH" 0
	nothing_changed
}

# --- states -------------------------------------------------------------------

states() {
	remember
	must dmsetup suspend "$NAME"
	must dmsetup suspend "$NAME"
	must dmsetup suspend --noflush "$NAME"
	expect_refused "$EINVAL" "Unrecognised multipath feature request" \
		load "0 $SIZE multipath 1 drain_flush 0 0 0"
	must_fail "busy" dmsetup message "$NAME" 0 fail_if_no_path
	must load "$LIVE"
	must load "0 $SIZE multipath $MQ 0 1 1 round-robin 0 1 1 $S 1"
	must_fail "busy" claim "$SPARE"
	must dmsetup clear "$NAME"
	must dmsetup clear "$NAME"
	must claim "$SPARE"
	must dmsetup resume "$NAME"
	must dmsetup resume "$NAME"
	nothing_changed
}

no_table() {
	must dmsetup create "${NAME}_new" --notable
	at_exit dmsetup remove "${NAME}_new"
	must dmsetup resume "${NAME}_new"
	must dmsetup suspend "${NAME}_new"
	must_fail "$EINVAL" dmsetup message "${NAME}_new" 0 fail_if_no_path
	must_fail "exists|busy" dmsetup create "${NAME}_new" --notable
	must dmsetup remove "${NAME}_new"
}

# --- messages -----------------------------------------------------------------

message() {
	dmsetup message "$NAME" "$@"
}

bad_messages() {
	local word

	remember
	expect_refused "$EINVAL" "Target message sector outside device" \
		message "$SIZE" fail_if_no_path
	for word in nonsense "$LONG" none drain_flush flush; do
		expect_refused "$EINVAL" "Invalid multipath message arguments" \
			message 0 "$word"
		expect_refused "$EINVAL" "Unrecognised multipath message" \
			message 0 "$word $S"
	done
	expect_refused "$EINVAL" "Invalid multipath message arguments" \
		message 0 fail_path "$S" "$S"
	must_fail "$NO_PATH" message 0 fail_path 4095:1
	expect_refused "$NO_FILE" "error getting device" \
		message 0 reinstate_path "/dev/${NAME}_nobody"
	must_fail "$EINVAL" message 0 fail_path "$S"
	for word in 0 x 2 "$LONG"; do
		expect_refused "$EINVAL" "invalid PG number" \
			message 0 switch_group "$word"
		expect_refused "$EINVAL" "invalid PG number" \
			message 0 disable_group "$word"
	done
	expect_refused "$EINVAL" "Unsupported message sent to DM core" \
		message 0 "@$NAME"
	nothing_changed
}

need_programs blkdiscard
make_scsi_paths 2
PATH_IN_USE=${SCSI_PATHS[0]}
SPARE=${SCSI_PATHS[1]}
SIZE=$(sectors_of "$SPARE")
S=$(dev_of "$SPARE")
NUMBER=0
set_default_mode drain_flush
make_mpath "$NAME" "" "$PATH_IN_USE"

add_case "features and hardware handlers" bad_features
add_case "priority groups and path selectors" bad_groups
add_case "paths that are none, or cannot be used" bad_paths
add_case "a device that takes no requests is no path" bio_based_path
add_case "nor is a partition" partition
add_case "targets that are none" bad_targets
add_case "more than one target" two_targets
add_case "a table of another type" other_type
add_case "a table that is larger than its path" too_large
add_case "a table of errors is accepted, and its errors are seen" error_target
add_case "a table without paths is accepted" no_path_at_all
add_case "suspended, resumed and loaded out of turn" states
add_case "a device without a table" no_table
add_case "messages" bad_messages
run_cases
