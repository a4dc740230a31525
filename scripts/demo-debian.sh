#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make demo-debian: the package on a Debian system with Debian's own kernel.  It
# is installed where much is wrong, then used below the real multipathd, then
# removed, and the stock module is back after the next boot.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=debian-system.sh
. scripts/debian-system.sh

# run_in_root TEST: without booting; what the package's scripts do would take ten
# times as long in QEMU
run_in_root() {
	local boot_dir=$KB/boot/debian-${1%.sh} status=0 begin=$EPOCHSECONDS

	mkdir -p "$boot_dir"
	in_root "/opt/dm-rq-barrier/tests/$1" 2>"$boot_dir/console.log" |
		tee "$boot_dir/output.log" || status=$?
	echo "$1: exit status $status" >"$boot_dir/judgement"
	count_cases "$boot_dir" "$1" "$status" $((EPOCHSECONDS - begin))
}

# remove_package: from the disk that was booted
remove_package() {
	mount_disk
	run_in_root removal.sh
	take_kernel
	umount_disk
}

# run_test SECONDS TEST: one boot
run_test() {
	local boot_dir=$KB/boot/debian-${2%.sh} status=0 begin=$EPOCHSECONDS

	rm -rf "$boot_dir"
	mkdir -p "$boot_dir"
	step "booting Linux $RELEASE for $2"
	BOOT_DIR=$boot_dir STREAM=1 scripts/boot-debian.sh "$1" \
		"debian/tests/$2" 2>&1 | sed -u 's/\r$//' |
		tee "$boot_dir/said" || status=${PIPESTATUS[0]}
	grep -avxF -f "$boot_dir/output.log" "$boot_dir/said" \
		>"$boot_dir/judgement" || :
	count_cases "$boot_dir" "$2" "$status" $((EPOCHSECONDS - begin))
}

prepare_system
step "installing the package where something is missing each time"
run_in_root lifecycle.sh
step "making a disk of it"
make_disk
run_test 420 multipath.sh
step "removing the package from that disk"
remove_package
run_test 240 stock.sh
rm -f "$DEBIAN_DIR/disk.img"
report_counts demo-debian "$passed" "$failed" "$skipped"
