#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the user mode Linux kernel that make smp boots: that of make uml, with
# several processors.  The last line is the path of the binary.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=build.sh
. scripts/build.sh
# shellcheck source=uml-smp.sh
. scripts/uml-smp.sh

fragment=scripts/uml-smp.config

# not_as_wanted: options of the fragment that .config does not have
not_as_wanted() {
	grep '^CONFIG_' "$fragment" | grep -vxF -f "$UML_SMP_DIR/.config" || :
}

uml_smp_make() {
	kmake "$UML_SMP_DIR" "$@"
}

configure_uml_smp() {
	configure
	configure_variant "$UML_SMP_DIR" "$UML_SMP_DIR.config.log" \
		uml_smp_make not_as_wanted < <(cat "$UML_DIR/.config" "$fragment")
}

take_lock
sub tree.sh
uml_has_smp || die "user mode Linux of $KERNEL has one processor"
need_compiler
need_space 800 "building the kernel"
setup_ccache
configure_uml_smp
build_kernel "$UML_SMP_DIR" "$UML_SMP_DIR.log" uml_smp_make "-j$(nproc)" linux
verdict "$UML_SMP"
