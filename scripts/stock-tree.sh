#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: the stock kernel's source, unpacked once more.  An assembled tree
# without our option would not be stock: the hooks change code even then.

# shellcheck source=tree-unpack.sh
. scripts/tree-unpack.sh

STOCK=$KB/stock
STOCK_TREE=$STOCK/tree

# unpack_stock: what tree.sh does first, for a tree that nothing is added to.
unpack_stock() {
	local KB=$STOCK TREE=$STOCK_TREE

	mkdir -p "$KB"
	load_base
	find_tarball
	unpack_tree
}
