#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced, after lib.sh: paths on which requests stay in flight for as long as a
# test wants, so that it can stop an ordered sequence at each of its steps.
#
# A path is a loop device on a linear device on a disk: while the linear device
# is suspended, what was sent to the path does not end.  Several paths may lead
# to one disk.

# make_path NAME DISK: PATH_DISK is a path to it.
make_path() {
	make_dm "$1" "0 $(sectors_of "$2") linear $(dev_of "$2") 0"
	PATH_DISK=$(losetup --find --show --direct-io=on "$DMDEV") ||
		bail_out "no loop device"
	at_exit losetup -d "$PATH_DISK"
	at_exit dmsetup resume "$1"
	PATH_DISK=${PATH_DISK##*/}
}

# stop_path NAME, go_on NAME: the name that was given to make_path
stop_path() {
	must dmsetup suspend --noflush --nolockfs "$1"
}

go_on() {
	must dmsetup resume "$1"
}

# in_flight PATH: a request is.
in_flight() {
	local -a fields

	read -ra fields <"/sys/block/$1/stat"
	# the ninth of Documentation/block/stat.rst: I/Os in flight
	((fields[8] > 0))
}

clones_in_flight() {
	(($(trace_lines | grep -c 'barrier_map: .* issue') > \
		$(trace_lines | grep -c 'barrier_clone_end:')))
}

# Nothing is dispatched any more, which is how a suspend begins.
queue_stopped() {
	grep -q QUIESCED "/sys/kernel/debug/block/$DM/state"
}

# --- two paths, one of which is the next --------------------------------------

# make_two_paths DISK: paths A and B to it, of which the linear devices are
# called a and b behind NAME.
make_two_paths() {
	DISK=$1
	make_path "${NAME}_a" "$DISK"
	A=$PATH_DISK
	make_path "${NAME}_b" "$DISK"
	B=$PATH_DISK
}

# Two groups of one path each, so that it can be said where the next request
# goes.
stepwise_table() {
	echo "0 $(sectors_of "$DISK") multipath 2 queue_mode mq 0 2 1" \
		"round-robin 0 1 1 $(dev_of "$A") 1" \
		"round-robin 0 1 1 $(dev_of "$B") 1"
}

# next_at a|b: the next request goes to that path.
next_at() {
	case $1 in
	a) must dmsetup message "$DMNAME" 0 switch_group 1 ;;
	b) must dmsetup message "$DMNAME" 0 switch_group 2 ;;
	esac
}

# stop_next_at a|b: and does not end there.
stop_next_at() {
	next_at "$1"
	stop_path "${NAME}_$1"
	export STOPPED=${NAME}_$1
}
