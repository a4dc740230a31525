#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by bench.sh: the kernels that are measured, without all that helps to
# find errors.  For QEMU there are two that differ by the series and by nothing
# else, one of the assembled tree and one of the stock source.

# shellcheck source=stock-tree.sh
. scripts/stock-tree.sh
# shellcheck source=small-kernels.sh
. scripts/small-kernels.sh

export KERNELS=$BENCH CONFIGS=${programs:?}

build_kernels() {
	[[ $(uname -m) == x86_64 ]] ||
		die "make bench needs an x86-64 machine to build for one"
	unpack_stock
	need_space 1500 "building the kernels to be measured"
	build_kernel um um "$TREE" linux CONFIG_DM_RQ_BARRIER=y
	build_kernel stock x86_64 "$STOCK_TREE" bzImage
	build_kernel series x86_64 "$TREE" bzImage CONFIG_DM_RQ_BARRIER=y
}
