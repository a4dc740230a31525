#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by what works with a Debian system: everything up to a directory with
# the system, our tests and the package, which is not installed.

# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=header.sh
. scripts/header.sh
# shellcheck source=ktap.sh
. scripts/ktap.sh
# shellcheck source=headers.sh
. scripts/headers.sh

((EUID == 0)) || die "a Debian system in a directory needs root: sudo make ..."

take_lock
load_base
sub tree.sh
need_packages "the Debian system" mmdebstrap debian-archive-keyring \
	e2fsprogs mount util-linux qemu-system-x86
find_release
sub deb.sh
deb=$(echo "$BUILD"/deb/*.deb)
# shellcheck source=debian-root.sh
. scripts/debian-root.sh
export DEBIAN_DIR

prepare_system() {
	mkdir -p "$DEBIAN_DIR"
	make_root_tar
	step "unpacking the Debian system"
	unpack_root
	add_tests "$deb"
}
