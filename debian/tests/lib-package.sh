#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by the tests of the package in a Debian root of its own, without kernel
# file systems: which dm-mod the kernel would load.

SELFTESTS=${0%/*}/../selftests
# shellcheck source=../../tools/testing/selftests/dm-rq-barrier/lib-cases.sh
. "$SELFTESTS/lib-cases.sh"
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

PACKAGE=$(echo "${0%/*}"/../*.deb)
VERSION=$(dpkg-deb -f "$PACKAGE" Version)
KERNEL=$(cd /lib/modules && ls)
INITRD=/boot/initrd.img-$KERNEL

module_is() {
	expect_match "dm-mod of $KERNEL" "$(modinfo -k "$KERNEL" -n dm-mod)" "$1"
}

initramfs_has() {
	local modules

	modules=$(lsinitramfs "$INITRD" | grep '/dm-mod[.]ko')
	expect_match "dm-mod in the initramfs" "$modules" "$1"
	expect_is "number of them" "$(wc -l <<<"$modules")" 1
}

stock_module_stays() {
	module_is "/kernel/drivers/md/"
	expect_is "version" "$(modinfo -k "$KERNEL" -F version dm-mod)" ""
	expect_is "files in updates/" \
		"$(find "/lib/modules/$KERNEL" -path '*/updates/*' -type f)" ""
}

ours_is_installed() {
	module_is "/updates/"
	expect_is "version" "$(modinfo -k "$KERNEL" -F version dm-mod)" "$VERSION"
	initramfs_has "/updates/"
}

package_state() {
	dpkg-query -W -f '${db:Status-Status}' dm-rq-barrier-dkms
}

# literally TEXT: as a regular expression
literally() {
	echo "${1//+/[+]}"
}

# says REGEX COMMAND...: it succeeds, and says that; all it says is in SAID.
says() {
	local status=0

	SAID=$("${@:2}" 2>&1) || status=$?
	export SAID
	expect_is "status of ${*:2}" "$status" 0
	[[ $SAID =~ $1 ]] || {
		fail "${*:2} does not say \"$1\""
		msg "$SAID"
	}
}
