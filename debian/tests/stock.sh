#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The boot after the package was removed: everything is as Debian has it.
#
# shellcheck disable=SC2317	# cases are called by run_all_cases
# shellcheck source=lib-debian.sh
. "${0%/*}/lib-debian.sh"
# shellcheck source=../../tools/testing/selftests/dm-rq-barrier/lib-cases.sh
. "$SELFTESTS/lib-cases.sh"

dm_mod_is_stock() {
	[[ -d /sys/module/dm_mod ]] || fail "dm_mod is not loaded"
	[[ ! -e /sys/module/dm_mod/version ]] ||
		fail "it has version $(cat /sys/module/dm_mod/version)"
	! is_out_of_tree || fail "it was built out of the kernel's tree"
	[[ ! -e /sys/module/dm_mod/parameters/rq_ordered ]] ||
		fail "it has the parameter rq_ordered"
}

kernel_is_not_tainted() {
	expect_is "/proc/sys/kernel/tainted" "$(cat /proc/sys/kernel/tainted)" 0
}

map_has_no_barriers() {
	[[ ! -e /sys/block/$DM/dm/rq_ordered ]] || fail "rq_ordered is there"
}


writes_are_flushed() {
	must dd if=/dev/zero of="/dev/mapper/$MAP" bs=4k count=16 conv=fsync \
		status=none
}

add_case "dm-mod is the kernel's own" dm_mod_is_stock
add_case "the kernel is not tainted" kernel_is_not_tainted
add_case "multipathd makes a map of two paths" multipathd_makes_a_map
add_case "the map is as without the package" map_has_no_barriers
add_case "writing to it and flushing works" writes_are_flushed
run_all_cases
