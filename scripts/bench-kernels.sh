#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by bench.sh: the kernels that are measured, without all that helps to
# find errors.  For user mode Linux there are two that differ by the series and by
# nothing else, one of the assembled tree and one of the stock source.  In QEMU it
# is Debian's own kernel, with its dm-mod or with that of the package.

# shellcheck source=stock-tree.sh
. scripts/stock-tree.sh
# shellcheck source=small-kernels.sh
. scripts/small-kernels.sh
# shellcheck source=headers.sh
. scripts/headers.sh

export KERNELS=$BENCH CONFIGS=${programs:?}

build_kernels() {
	[[ $(uname -m) == x86_64 && -f patches/$KERNEL/series.module ]] ||
		die "make bench measures Debian's own kernel for x86-64:" \
			"there is no module for line $KERNEL"
	unpack_stock
	need_space 1500 "building the kernels to be measured"
	build_kernel um-stock um "$STOCK_TREE" linux
	build_kernel um-series um "$TREE" linux CONFIG_DM_RQ_BARRIER=y
	load_base
	find_release
	need_packages "the benchmark" "linux-image-$RELEASE" kmod xz-utils
	sub modules.sh
}
