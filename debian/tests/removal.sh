#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Remove the package from a system that has used it.
#
# shellcheck disable=SC2317	# cases are called by run_all_cases
# shellcheck source=lib-package.sh
. "${0%/*}/lib-package.sh"

# Its dm-mod is loaded, as far as the maintainer script can see.
package_goes() {
	ours_is_installed
	mkdir -p /sys/module/dm_mod
	echo "$VERSION" >/sys/module/dm_mod/version
	says "dm-mod with barriers is loaded: reboot to switch to the stock module" \
		dpkg --remove dm-rq-barrier-dkms
	rm -r /sys/module/dm_mod
}

stock_module_is_back() {
	stock_module_stays
	initramfs_has "/kernel/"
}

# The kernel's hooks are configuration files: they stay until a purge.
hooks_do_nothing() {
	[[ -x /etc/kernel/postinst.d/dm-rq-barrier ]] || fail "no hook"
	expect_is "messages" \
		"$(/etc/kernel/postinst.d/dm-rq-barrier "$KERNEL" 2>&1)" ""
	stock_module_stays
}

nothing_is_left() {
	must dpkg --purge dm-rq-barrier-dkms
	expect_is "what is left" "$(find /usr /var/lib/dkms /etc \
		-name '*dm-rq-barrier*' ! -name '*-test.service')" ""
}

add_case "the package is removed, and says to reboot" package_goes
add_case "the stock module is back, on disk and in the initramfs" \
	stock_module_is_back
add_case "the hooks that are left do nothing" hooks_do_nothing
add_case "nothing is left after a purge" nothing_is_left
run_all_cases
