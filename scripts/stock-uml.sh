#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock-uml.sh [smp]: builds the user mode Linux kernel that the series is compared
# with: the stock source, configured as the kernel of make uml but for what the
# series adds, so that it looks for the same errors.  With "smp" it is compared with
# the one of several processors.  The last line is the path of the binary.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=build.sh
. scripts/build.sh
# shellcheck source=stock-tree.sh
. scripts/stock-tree.sh
# shellcheck source=uml-smp.sh
. scripts/uml-smp.sh

# What the series adds to Kconfig; a monitor brings what all monitors share.
added='DM_RQ_BARRIER|DM_RQ_ORDERED|RV_MON_DM_RQ_SEQ|(DA|RV)_MON(_MAINTENANCE)?_EVENTS'
added="CONFIG_($added)(_[A-Z_]*)?"

if [[ ${1:-} == smp ]]; then
	compared=$UML_SMP_DIR
else
	compared=$UML_DIR
fi
dir=$STOCK/${compared##*/}

# stock_make [ARGUMENTS]: the kernel's make for the stock source.
stock_make() {
	local TREE=$STOCK_TREE

	kmake "$dir" "$@"
}

# not_same: options that the stock kernel has otherwise than the compared one
not_same() {
	diff <(grep CONFIG_ "$compared/.config") <(grep CONFIG_ "$dir/.config") |
		sed -n 's/^[<>] //p' | grep -vE "\<$added\>" || :
}

configure_stock() {
	configure_variant "$dir" "$dir.config.log" stock_make not_same \
		< <(grep -vE "\<$added\>" "$compared/.config")
}

# The kernel of make uml need not be built for that.
configure_compared() {
	if [[ $compared == "$UML_SMP_DIR" ]]; then
		sub smp-uml-build.sh
	else
		configure
	fi
}

take_lock
sub tree.sh
need_compiler
unpack_stock
need_space 800 "building the stock kernel"
setup_ccache
configure_compared
configure_stock
step "building the stock kernel, log in $dir.log"
run_make "$dir.log" stock_make "-j$(nproc)" linux
step "built, $(grep -c '^  CC ' "$dir.log" || :) files compiled"
verdict "$dir/linux"
