#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the kernel that make smp boots in QEMU, with the KUnit suites and all
# that the selftests use.  The last line is the path of the image.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=build.sh
. scripts/build.sh
# shellcheck source=smp-config.sh
. scripts/smp-config.sh

take_lock
sub tree.sh
need_compiler
need_space 1000 "building the kernel"
setup_ccache
configure_smp
build_kernel "$SMP_DIR" "$SMP_DIR.log" smp_make "-j$(nproc)" bzImage
verdict "$SMP_KERNEL"
