#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the tests that run on a booted Debian system: two hosts of
# scsi_debug that show one LUN, which multipathd makes a map of.

TESTS=${0%/*}
SELFTESTS=$TESTS/../selftests
PACKAGE=$(echo "$TESTS"/../*.deb)
VERSION=$(dpkg-deb -f "$PACKAGE" Version)
KERNEL=$(uname -r)
export SELFTESTS VERSION KERNEL

show_lun_twice() {
	must modprobe scsi_debug add_host=2 vpd_use_hostno=0 dev_size_mb=256 \
		delay=0 per_host_store=0
}

map_name() {
	dmsetup ls --target multipath | awk 'NR == 1 { print $1 }'
}

# usable_paths: of the map, as device-mapper sees them
usable_paths() {
	dmsetup status "$(map_name)" | grep -oE '[0-9]+:[0-9]+ A ' | wc -l
}

usable_paths_are() {
	[[ -n $(map_name) && $(usable_paths) == "$1" ]]
}

map_has_paths() {
	wait_for 90 usable_paths_are "$1" || {
		fail "the map does not have $1 usable paths"
		msg "$(multipath -ll 2>&1)"
	}
	MAP=$(map_name)
	wait_for 30 test -L "/dev/mapper/$MAP" ||
		fail "udev made no /dev/mapper/$MAP"
	DM=$(basename "$(readlink -f "/dev/mapper/$MAP")")
	export DM MAP
}

multipathd_makes_a_map() {
	expect_is "multipathd" "$(systemctl is-active multipathd)" active
	show_lun_twice
	map_has_paths 2
	expect_match "table of $MAP" "$(dmsetup table "$MAP")" ' multipath '
	msg "$(multipath -ll "$MAP")"
}

is_out_of_tree() {
	grep -q '^dm_mod .*(.*O' /proc/modules
}
