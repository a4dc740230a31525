#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the user mode Linux kernel that the series is compared with: the stock
# source, configured as the kernel of make uml but for what the series adds, so
# that it looks for the same errors.  The last line is the path of the binary.

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

dir=$STOCK/uml
# What the series adds to Kconfig; a monitor brings what all monitors share.
added='CONFIG_(DM_RQ_BARRIER|DM_RQ_ORDERED|RV_MON_DM_RQ_SEQ|DA_MON_EVENTS)(_[A-Z_]*)?'

# stock_make [ARGUMENTS]: the kernel's make for the stock source.
stock_make() {
	local TREE=$STOCK_TREE

	kmake "$dir" "$@"
}

# not_same: options that the stock kernel has otherwise than that of make uml
not_same() {
	diff <(grep CONFIG_ "$UML_DIR/.config") <(grep CONFIG_ "$dir/.config") |
		sed -n 's/^[<>] //p' | grep -vE "\<$added\>" || :
}

configure_stock() {
	configure
	configure_variant "$dir" "$STOCK/config.log" stock_make not_same \
		< <(grep -vE "\<$added\>" "$UML_DIR/.config")
}

take_lock
sub tree.sh
need_compiler
unpack_stock
need_space 800 "building the stock kernel"
setup_ccache
configure_stock
step "building the stock kernel, log in $STOCK/uml.log"
run_make "$STOCK/uml.log" stock_make "-j$(nproc)" linux
step "built, $(grep -c '^  CC ' "$STOCK/uml.log" || :) files compiled"
verdict "$dir/linux"
