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

configure_uml_smp() {
	local log=$UML_SMP_DIR.config.log wanted=$UML_SMP_DIR/wanted missing

	configure
	mkdir -p "$UML_SMP_DIR"
	cat "$UML_DIR/.config" "$fragment" >"$wanted.tmp"
	cmp -s "$wanted.tmp" "$wanted" && [[ -f $UML_SMP_DIR/.config ]] && return
	cp "$wanted.tmp" "$UML_SMP_DIR/.config"
	kmake "$UML_SMP_DIR" olddefconfig >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the kernel could not be configured, see $log"
	}
	missing=$(not_as_wanted)
	[[ -z $missing ]] ||
		die "these options did not make it into .config: ${missing//$'\n'/, }"
	mv "$wanted.tmp" "$wanted"
}

take_lock
sub tree.sh
uml_has_smp || die "user mode Linux of $KERNEL has one processor"
need_compiler
need_space 800 "building the kernel"
setup_ccache
configure_uml_smp
build_kernel "$UML_SMP_DIR" "$UML_SMP_DIR.log" \
	kmake "$UML_SMP_DIR" "-j$(nproc)" linux
verdict "$UML_SMP"
