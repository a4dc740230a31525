#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a user without any capability can do with the files of the series: read
# what is documented as readable, as with device-mapper's own files beside them,
# and nothing else.
#
# packages: util-linux
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

NOBODY=65534

# nobody COMMAND...: as a user that has no right of its own
nobody() {
	setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups \
		--bounding-set -all --inh-caps -all --no-new-privs -- "$@"
}

# nobody_writes FILE TEXT
nobody_writes() {
	# shellcheck disable=SC2016	# for that shell
	nobody sh -c 'printf "%s\n" "$2" >"$1"' - "$@"
}

# Otherwise nothing below says anything.
nobody_is_nobody() {
	expect_is "user" "$(nobody id -u)" "$NOBODY"
	expect_match "capabilities" "$(nobody cat /proc/self/status)" \
		$'CapPrm:\t0000000000000000.*CapBnd:\t0000000000000000'
	must_fail "denied" nobody_writes "/sys/block/$A/queue/nr_requests" 4
}

# expect_mode_bits FILE BITS: and they belong to root.
expect_mode_bits() {
	expect_is "bits of $1" "$(command stat -c '%a %u %g' "$1")" "$2 0 0"
}

# As Documentation/ABI/testing/sysfs-block-dm-rq-barrier says
bits_of_files() {
	expect_mode_bits "/sys/block/$DM/dm/rq_ordered" 644
	expect_mode_bits "/sys/block/$DM/dm/rq_barrier_stats" 444
	expect_mode_bits "$RQ_ORDERED_DEFAULT" 644
}

# No file is there that is not either stock or known to this test.
files_beside() {
	expect_is "files" "$(cd "/sys/block/$DM/dm" && echo *)" \
		"name rq_barrier_stats rq_based_seq_io_merge_deadline \
rq_ordered suspended use_blk_mq uuid"
}

# The series' files allow no more than these of device-mapper.
neighbours() {
	expect_mode_bits "/sys/block/$DM/dm/name" 444
	expect_mode_bits "/sys/block/$DM/dm/suspended" 444
	expect_mode_bits "/sys/block/$DM/dm/rq_based_seq_io_merge_deadline" 644
	expect_mode_bits /sys/module/dm_mod/parameters/dm_mq_queue_depth 644
}

reads() {
	local file

	for file in "/sys/block/$DM/dm/rq_ordered" "$RQ_ORDERED_DEFAULT" \
		"/sys/block/$DM/dm/name"; do
		expect_is "$file" "$(nobody cat "$file")" "$(<"$file")"
	done
	expect_match "counters" \
		"$(nobody cat "/sys/block/$DM/dm/rq_barrier_stats")" \
		$'^rounds [0-9]+\n.*held 0'
}

writes() {
	local file

	for file in "/sys/block/$DM/dm/rq_ordered" "$RQ_ORDERED_DEFAULT" \
		"/sys/block/$DM/dm/rq_based_seq_io_merge_deadline" \
		/sys/module/dm_mod/parameters/dm_mq_{queue_depth,nr_hw_queues}; do
		must_fail "Permission denied" nobody_writes "$file" none
	done
	must_fail "Permission denied" \
		nobody_writes "/sys/block/$DM/dm/rq_barrier_stats" 0
	expect_mode "in the end" drain_flush
	expect_is "default" "$(<"$RQ_ORDERED_DEFAULT")" drain_flush
}

# A counter is for nobody to write, whatever the bits of the file.
counters_are_read_only() {
	must_fail "Invalid argument|Permission denied" \
		write_counters "/sys/block/$DM/dm/rq_barrier_stats"
}

write_counters() {
	echo 0 >"$1"
}

tracing() {
	local dir=/sys/kernel/tracing/events/dm_rq_barrier

	[[ -d $dir ]] || fail "no tracepoints"
	must_fail "Permission denied" nobody ls "$dir"
	must_fail "Permission denied" nobody cat "$dir/enable"
	must_fail "Permission denied" nobody_writes "$dir/enable" 1
	must_fail "Permission denied" nobody cat /sys/kernel/tracing/trace
}

nobody_manages() {
	local command

	for command in "message $NAME 0 fail_if_no_path" "suspend $NAME" \
		"remove $NAME" "create ${NAME}_new --notable" "info $NAME"; do
		# shellcheck disable=SC2086	# a list of words
		must_fail "$1" nobody dmsetup $command
	done
	expect_match "state" "$(dmsetup info "$NAME")" "State: *ACTIVE"
	expect_match "paths" "$(dmsetup status "$NAME")" " A 0"
}

device_mapper() {
	nobody_manages "Permission denied"
	must_fail "Permission denied" nobody_writes "$DMDEV" 0
	must_fail "Permission denied" nobody dd if="$DMDEV" count=1
}

# Everybody may open the control device here: the ioctls ask for CAP_SYS_ADMIN.
control_device() {
	local bits

	bits=$(command stat -c %a /dev/mapper/control)
	at_exit chmod "$bits" /dev/mapper/control
	chmod 666 /dev/mapper/control
	must nobody sh -c ': <>/dev/mapper/control'
	nobody_manages "ioctl .*Permission denied"
	chmod "$bits" /dev/mapper/control
}

# A user namespace gives capabilities in it, and none over this.
in_namespace() {
	local as_root=(unshare --user --map-root-user)

	if ! nobody "${as_root[@]}" true; then
		skip_case "no user namespaces"
		return
	fi
	# shellcheck disable=SC2016	# for that shell
	must_fail "Permission denied" nobody "${as_root[@]}" \
		sh -c 'echo none >"$1"' - "/sys/block/$DM/dm/rq_ordered"
	must_fail "Permission denied" nobody "${as_root[@]}" \
		dmsetup message "$NAME" 0 fail_if_no_path
	expect_mode "in the end" drain_flush
}

# Its own open files are what a user can keep others from something with: they
# must not keep the device from being removed.
open_files() {
	local reader

	# shellcheck disable=SC2016	# for that shell
	nobody sh -c 'exec 8<"$1" 9<"$2"; echo ready >&3; read -r _ <&4' - \
		"/sys/block/$DM/dm/rq_ordered" \
		"/sys/block/$DM/dm/rq_barrier_stats" \
		3>"$WORK/ready" 4<>"$WORK/never" &
	reader=$!
	wait_for 30 test -s "$WORK/ready" || fail "nobody does not open them"
	forget_dm "$NAME"
	[[ -e /sys/block/$DM ]] && fail "$DM is still there"
	kill "$reader"
	make_mpath "$NAME" "" "$A"
}

need_programs setpriv unshare
make_scsi_paths 1
A=${SCSI_PATHS[0]}
mkfifo "$WORK/never"
chmod 755 "$WORK"
set_default_mode drain_flush
make_mpath "$NAME" "" "$A"

add_case "there is a user without capabilities" nobody_is_nobody
add_case "the files have the bits that are documented" bits_of_files
add_case "there are no others" files_beside
add_case "device-mapper's own have the same" neighbours
add_case "the user can read them" reads
add_case "the user cannot write them" writes
add_case "not even root can write counters" counters_are_read_only
add_case "the user cannot trace" tracing
add_case "the user cannot manage the device, or use it" device_mapper
add_case "the ioctls refuse whoever has the control device" control_device
add_case "being root of a user namespace does not help" in_namespace
add_case "files that the user has open do not keep the device" open_files
run_cases
