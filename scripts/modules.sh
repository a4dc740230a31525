#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make modules: build dm-mod for a kernel of Debian, with the very files and
# scripts that the package gives to dkms, and compare its exported symbols with
# the stock module's.
#
# Environment: RELEASE  the kernel; otherwise the newest one that the installed
#              kernel source is the source of

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=cases.sh
. scripts/cases.sh
# shellcheck source=build.sh
. scripts/build.sh
# shellcheck source=headers.sh
. scripts/headers.sh

# The package's source directory, as it gets installed.
stage_source() {
	rm -rf "$dir"
	mkdir -p "$dir"
	dpkg-deb --fsys-tarfile "$deb" |
		tar -x -C "$dir" --strip-components=4 ./usr/src
}

# build_module: what dkms would do
build_module() {
	with_progress "$log" "$dir/build" "$RELEASE" && return
	# errors of the compiler, or how symbols differ
	grep -A 3 -E 'error:|No space left|^[<>] ' "$log" | head -n 80 >&2 || :
	die "$(tail -n 1 "$log" | sed 's/^dm-rq-barrier: //'), see $log"
}

says_version() {
	[[ $(modinfo -F version "$module") == "$version" ]]
}

fits_kernel() {
	[[ $(modinfo -F vermagic "$module") == "$RELEASE "* ]]
}

no_warnings() {
	! grep -E -A 4 '/dm[^/]*:[0-9:]+ warning:' "$log"
}

# The other dm modules load with ours only if these are the same.
symbols_are_stock() {
	"$dir/check-symbols" "$headers/Module.symvers" \
		"$dir/tree/drivers/md/Module.symvers"
}

# notices SED: does the comparison notice such a change?
notices() {
	local wrong=$dir/wrong.symvers

	sed "$1" "$dir/tree/drivers/md/Module.symvers" >"$wrong"
	! cmp -s "$wrong" "$dir/tree/drivers/md/Module.symvers" &&
		! "$dir/check-symbols" "$headers/Module.symvers" "$wrong" >/dev/null
}

take_lock
[[ -f patches/$KERNEL/series.module ]] ||
	die "there is no package for kernels of line $KERNEL"
load_base
need_packages "the kernel source" "$PACKAGE"
need_packages "building modules" xz-utils patch kmod gcc make
find_release
need_space 300 "building the module"
sub deb.sh
deb=$(echo "$BUILD"/deb/*.deb)
version=$(dpkg-deb -f "$deb" Version)
headers=/lib/modules/$RELEASE/build
dir=$KB/modules/$RELEASE
log=$KB/modules/$RELEASE.log
module=$dir/tree/drivers/md/dm-mod.ko
stage_source
step "building dm-mod for $RELEASE, log in $log"
build_module
step "$(tail -n 1 "$log")"
check "it is for $RELEASE" fits_kernel
check "modinfo shows version $version" says_version
check "no compiler warnings" no_warnings
check "exported symbols have the stock module's versions" symbols_are_stock
check "another version of a symbol is noticed" \
	notices '/\tdm_table_get_md\t/s/^0x......../0x01234567/'
check "a missing symbol is noticed" notices '/\tdm_disk\t/d'
check "a new symbol is noticed" notices '/\tdm_disk\t/p;s/\tdm_disk\t/\tdm_dusk\t/'
check "another licence of a symbol is noticed" \
	notices '/\tdm_disk\t/s/EXPORT_SYMBOL_GPL/EXPORT_SYMBOL/'
step "$module"
report_counts modules "$passed" "$failed" 0
