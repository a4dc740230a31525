#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Install the package in a Debian root where much is wrong at first.  Each time
# the kernel has to keep its stock dm-mod, with a message that says why, and
# whatever was being installed must not fail.
#
# shellcheck disable=SC2317	# cases are called by run_all_cases
# shellcheck source=lib-package.sh
. "${0%/*}/lib-package.sh"

SOURCE=/usr/src/dm-rq-barrier-$VERSION
EFIVARS=/sys/firmware/efi/efivars

# What the kernel's maintainer scripts do
kernel_hooks() {
	DEB_MAINT_PARAMS="configure" run-parts --report --exit-on-error \
		--arg="$KERNEL" --arg="/boot/vmlinuz-$KERNEL" \
		/etc/kernel/postinst.d
}

our_hook() {
	/etc/kernel/header_postinst.d/dm-rq-barrier "$KERNEL"
}

# dm-mod and a device of it, as far as maintainer scripts can see
stock_module_is_in_use() {
	mkdir -p /sys/module/dm_mod /sys/block/dm-0
}

nothing_is_in_use() {
	rm -r /sys/module/dm_mod /sys/block/dm-0
}

# A reboot would change nothing, so it is not asked for.
headers_are_missing() {
	mv "/lib/modules/$KERNEL/build" "$WORK/build"
	stock_module_is_in_use
	says "keeps the stock dm-mod: the kernel headers are missing: apt install linux-headers-$(literally "$KERNEL")" \
		dpkg -i "$PACKAGE"
	nothing_is_in_use
	mv "$WORK/build" "/lib/modules/$KERNEL/build"
	[[ $SAID != *reboot* ]] || fail "it asks for a reboot: $SAID"
	expect_is "the package" "$(package_state)" installed
	stock_module_stays
	initramfs_has "/kernel/"
}

line_is_not_supported() {
	local other=6.1.0-99-amd64

	mkdir -p "/lib/modules/$other/kernel"
	says "$other: keeps the stock dm-mod: kernel line 6.1 is not supported, only 6.12" \
		/etc/kernel/postinst.d/dm-rq-barrier "$other"
	rm -r "/lib/modules/$other"
}

kernel_is_not_debians() {
	local other=6.12.99-mine

	mkdir -p "/lib/modules/$other/kernel"
	ln -s "$(readlink -f "/lib/modules/$KERNEL/build")" \
		"/lib/modules/$other/build"
	says "$other: keeps the stock dm-mod: it is not a kernel of Debian" \
		/etc/kernel/postinst.d/dm-rq-barrier "$other"
	rm -r "/lib/modules/$other"
}

# source_becomes VERSION: as far as dpkg knows
source_becomes() {
	sed -i "/^Package: linux-source-6.12\$/,/^\$/ s/^Version: .*/Version: $1/" \
		/var/lib/dpkg/status
}

source_is_of_another_version() {
	local version

	version=$(dpkg-query -W -f '${Version}' linux-source-6.12)
	source_becomes 6.12.1-1
	says "keeps the stock dm-mod: the kernel is version $(literally "$version"), but linux-source-6.12 is 6.12.1-1" \
		our_hook
	source_becomes "$version"
	stock_module_stays
}

source_is_not_there() {
	local tarball=/usr/src/linux-source-6.12.tar.xz

	mv "$tarball" "$tarball.away"
	says "keeps the stock dm-mod: the kernel source is missing: apt install linux-source-6.12" \
		our_hook
	mv "$tarball.away" "$tarball"
	stock_module_stays
}

secure_boot() {
	mkdir -p "$EFIVARS"
	printf '\6\0\0\0\1' \
		>"$EFIVARS/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
}

no_secure_boot() {
	rm -r "${EFIVARS:?}"
}

# mokutil cannot ask a firmware here, and so does not find the key enrolled.
key_is_not_enrolled() {
	secure_boot
	says "keeps the stock dm-mod: Secure Boot is on and does not know the key that dkms signs with: mokutil --import /var/lib/dkms/mok.pub" \
		our_hook
	no_secure_boot
	stock_module_stays
}

# The compiler fails while a kernel is being upgraded; the kernel gets its
# initramfs all the same.
module_does_not_compile() {
	rm "$INITRD"
	mv /usr/bin/x86_64-linux-gnu-gcc-12 "$WORK/gcc"
	ln -s /bin/false /usr/bin/x86_64-linux-gnu-gcc-12
	says "keeps the stock dm-mod: the module does not compile" kernel_hooks
	mv "$WORK/gcc" /usr/bin/x86_64-linux-gnu-gcc-12
	stock_module_stays
	initramfs_has "/kernel/"
}

hook_does_not_apply() {
	local patch

	patch=$(find "$SOURCE/patches/6.12" -name '0001-*' | head -n 1)
	cp "$patch" "$WORK/patch"
	# the first line that it removes
	sed -i '/^-[^-]/ { s/$/ other/; :a; n; ba }' "$patch"
	expect_num "changes" "$(diff "$WORK/patch" "$patch" | grep -c '^<')" -eq 1
	says "keeps the stock dm-mod: patches/6.12/.* does not apply to linux-source-6.12" \
		our_hook
	cp "$WORK/patch" "$patch"
	stock_module_stays
}

disk_is_full() {
	mkdir "$WORK/dkms"
	cp -a /var/lib/dkms/. "$WORK/dkms"
	# what failed before
	rm -rf "$WORK/dkms/dm-rq-barrier/$VERSION/build"
	mount -t tmpfs -o size=4M tmpfs /var/lib/dkms
	cp -a "$WORK/dkms/." /var/lib/dkms
	says "keeps the stock dm-mod: .*[Nn]o space" our_hook
	umount /var/lib/dkms
	stock_module_stays
}

# Whatever is at work when the machine goes down half way through.
is_compiling() {
	compgen -G "/var/lib/dkms/dm-rq-barrier/$VERSION/build/tree/drivers/md/*.o" >/dev/null
}

is_half_installed() {
	local pid

	setsid dpkg -i "$PACKAGE" >"$WORK/dpkg" 2>&1 &
	pid=$!
	wait_for 300 is_compiling || fail "nothing is compiled: $(<"$WORK/dpkg")"
	pkill -KILL -g "$pid"
	pkill -KILL -x make
	wait "$pid"
	expect_is "the package" "$(package_state)" half-configured
	stock_module_stays
}

dpkg_mends_it() {
	stock_module_is_in_use
	says "dm-mod [(]stock[)] is in use: reboot to switch to $VERSION" \
		dpkg --configure -a
	nothing_is_in_use
	expect_is "the package" "$(package_state)" installed
	ours_is_installed
}

# Once more for the same kernel: nothing is built again.
nothing_to_do() {
	expect_is "messages" "$(our_hook 2>&1)" ""
	ours_is_installed
}

# The kernel's source comes after the kernel.
source_comes_later() {
	must dm-rq-barrier-dkms remove
	stock_module_stays
	initramfs_has "/kernel/"
	must dpkg-trigger --by-package=linux-source-6.12 --no-await \
		/usr/src/linux-source-6.12.tar.xz
	says "$(literally "$KERNEL"): installed as .*/updates/" \
		dpkg --configure -a
	ours_is_installed
}

module_is_signed() {
	expect_match "signer" "$(modinfo -k "$KERNEL" -F signer dm-mod)" \
		"DKMS module signing key"
}

example_is_valid() {
	cp /usr/share/doc/dm-rq-barrier-dkms/examples/dm-rq-barrier.conf \
		/etc/modprobe.d/
	expect_match "modprobe's configuration" "$(modprobe --showconfig)" \
		"options dm_mod rq_ordered=flush"
	rm /etc/modprobe.d/dm-rq-barrier.conf
}

add_case "no headers: refused, and the package is installed" headers_are_missing
add_case "another kernel line: refused" line_is_not_supported
add_case "not a kernel of Debian: refused" kernel_is_not_debians
add_case "the source is of another version: refused" source_is_of_another_version
add_case "no source: refused" source_is_not_there
add_case "Secure Boot, and the key is not enrolled: refused" key_is_not_enrolled
add_case "the build fails in a kernel upgrade: the kernel is complete" \
	module_does_not_compile
add_case "a hook does not apply: refused" hook_does_not_apply
add_case "the disk is full: refused" disk_is_full
add_case "killed while compiling: the stock module is there" is_half_installed
add_case "dpkg --configure -a makes it whole, and says to reboot" dpkg_mends_it
add_case "hooks do nothing for a kernel that has it" nothing_to_do
add_case "it is built when the kernel's source is installed" source_comes_later
add_case "the module is signed with the key of dkms" module_is_signed
add_case "the example for modprobe.d is valid" example_is_valid
run_all_cases
