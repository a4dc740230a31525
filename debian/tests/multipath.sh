#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Barriers below the real multipathd, udev and kpartx, with Debian's own kernel
# and dm-mod of the package.
#
# shellcheck disable=SC2317	# cases are called by run_cases
# shellcheck source=lib-debian.sh
. "${0%/*}/lib-debian.sh"
# lib.sh would skip everything.
if [[ ! -e /sys/module/dm_mod/version ]]; then
	echo "Bail out! the dm-mod that is loaded is not the package's"
	exit 1
fi
# shellcheck source=../../tools/testing/selftests/dm-rq-barrier/lib.sh
. "$SELFTESTS/lib.sh"
unset DM_DISABLE_UDEV

FILE=/mnt/load

dm_mod_is_ours() {
	expect_is "version of dm_mod" "$(cat /sys/module/dm_mod/version)" "$VERSION"
	is_out_of_tree || fail "the dm_mod that is loaded is the kernel's own"
	expect_match "dm-mod" "$(modinfo -n dm-mod)" "/updates/"
}

# Its symbol versions have to fit.
dm_multipath_is_stock() {
	expect_match "dm-multipath" "$(modinfo -n dm-multipath)" "/kernel/drivers/md/"
	[[ -d /sys/module/dm_multipath ]] || fail "dm_multipath is not loaded"
	expect_is "disagreements" "$(dmesg | grep -c 'disagrees about version')" 0
}

every_dm_module_loads() {
	local module

	for module in "/lib/modules/$KERNEL/kernel/drivers/md"/dm-*.ko*; do
		module=${module##*/}
		module=${module%%.*}
		[[ $module == dm-mod ]] || must modprobe "$module"
	done
	expect_is "disagreements" "$(dmesg | grep -c 'disagrees about version')" 0
}

barriers_are_active() {
	expect_mode "of the map" drain_flush
	expect_is "messages" \
		"$(dmesg | grep -o 'rq-barrier: version .* is active')" \
		"rq-barrier: version $VERSION is active"
	msg "/sys/block/$DM/dm/rq_ordered: $(show_mode)"
}

partition_is_there() {
	PART=$(find /dev/mapper -name "$MAP?part1" -o -name "${MAP}1" \
		-o -name "$MAP-part1" | head -n 1)
	[[ -b $PART ]]
}

kpartx_maps_a_partition() {
	must sfdisk --quiet "/dev/mapper/$MAP" <<<"label: gpt
start=2048, type=linux"
	wait_for 60 partition_is_there || fail "no partition: $(ls /dev/mapper)"
	msg "$(dmsetup ls --tree)"
}

filesystem_is_mounted() {
	must mkfs.ext4 -q -F "$PART"
	must mount "$PART" /mnt
}

# load SECONDS: writes over and over, with a commit after each four
load() {
	fio --name=load --filename="$FILE" --size=1M --rw=write --bs=4k \
		--fdatasync=4 --verify=crc32c --do_verify=0 \
		--time_based --runtime="$1" --eta=never --output=/dev/null
}

commits_are_rounds() {
	mark
	must load 5
	expect_num "rounds" "$(moved rounds)" -gt 0
	expect_num "flush commands" "$(moved commands)" -gt 0
	expect_num "ordered sequences" "$(moved sequences)" -gt 0
	expect_moved errors=0 rejected=0
	msg "rounds $(moved rounds), commands $(moved commands)," \
		"sequences $(moved sequences), drained $(moved drained)"
}

first_path() {
	multipathd show paths raw format "%d %t" | awk '$2 == "active" { print $1 }' |
		head -n 1
}

path_goes_and_comes_back() {
	local disk host load

	disk=$(first_path)
	host=$(readlink -f "/sys/block/$disk" | grep -oE '/host[0-9]+/')
	host=${host//\//}
	mark
	load 20 &
	load=$!
	wait_for 20 stat_above rounds "${MARKS[rounds]}" || fail "no round"
	echo 1 >"/sys/block/$disk/device/delete"
	map_has_paths 1
	mark
	wait_for 20 stat_above rounds "$((MARKS[rounds] + 5))" ||
		fail "no round with one path"
	echo "- - -" >"/sys/class/scsi_host/$host/scan"
	map_has_paths 2
	mark
	wait_for 20 stat_above rounds "$((MARKS[rounds] + 5))" ||
		fail "no round after the path came back"
	expect_exit "the load" "$load" 0
	expect_moved errors=0 rejected=0
}

data_is_there() {
	must umount /mnt
	must e2fsck -f -n "$PART"
	must mount "$PART" /mnt
	must fio --name=load --filename="$FILE" --size=1M --rw=read --bs=4k \
		--verify=crc32c --output=/dev/null
}

mode_can_be_switched() {
	local mode

	for mode in none flush drain_flush; do
		must set_mode "$mode"
		expect_mode "after $mode" "$mode"
		mark
		must load 2
		if [[ $mode == none ]]; then
			expect_moved rounds=0
		else
			expect_num "rounds in $mode" "$(moved rounds)" -gt 0
		fi
	done
}

add_case "dm-mod of the package was loaded at boot" dm_mod_is_ours
add_case "multipathd makes a map of two paths" multipathd_makes_a_map
add_case "the kernel's own dm-multipath works with it" dm_multipath_is_stock
add_case "so does every other dm module" every_dm_module_loads
add_case "the map has barriers" barriers_are_active
add_case "udev and kpartx map a partition" kpartx_maps_a_partition
add_case "a file system on the partition" filesystem_is_mounted
add_case "its commits are carried out by rounds" commits_are_rounds
add_case "a path is pulled and put back, under load" path_goes_and_comes_back
add_case "all data is there" data_is_there
add_case "the mode can be switched" mode_can_be_switched
run_cases
