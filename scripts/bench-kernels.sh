#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by bench.sh: the kernels that are measured, without all that helps to
# find errors.  For QEMU there are two that differ by the series and by nothing
# else, one of the assembled tree and one of the stock source, which is unpacked
# once more for it.  An assembled tree without the option would not be stock:
# the hooks move code even then.

# shellcheck source=tree-unpack.sh
. scripts/tree-unpack.sh

stock_tree=$BENCH/stock

# unpack_stock: what tree.sh does first, for a tree that nothing is added to.
unpack_stock() {
	local KB=$BENCH TREE=$stock_tree

	load_base
	find_tarball
	unpack_tree
}

# kernel_make NAME ARCH SOURCE [ARGUMENTS]: the kernel's make for one of them.
kernel_make() {
	make -C "$3" "ARCH=$2" "O=$BENCH/o-$1" "CC=ccache gcc" "${@:4}" \
		>>"$BENCH/$1.log" 2>&1
}

# lacking NAME: options that were asked for and are not set as asked.
lacking() {
	grep '^CONFIG' "$BENCH/$1.config" | while read -r option; do
		grep -qxF -- "$option" "$BENCH/o-$1/.config" || echo "$option"
	done | paste -sd ' '
}

# build_kernel NAME ARCH SOURCE TARGET [OPTION]...: allnoconfig and what the
# configuration called ARCH and the options say.
build_kernel() {
	local name=$1 missing

	step "building the kernel $name, log in $BENCH/$name.log"
	: >"$BENCH/$name.log"
	{
		cat "${programs:?}/$2.config"
		printf '%s\n' "${@:5}"
	} >"$BENCH/$name.config"
	mkdir -p "$BENCH/o-$name"
	kernel_make "${@:1:3}" allnoconfig \
		"KCONFIG_ALLCONFIG=$BENCH/$name.config" ||
		die "the kernel $name cannot be configured, see $BENCH/$name.log"
	missing=$(lacking "$name")
	[[ -z $missing ]] || die "the kernel $name comes without $missing"
	kernel_make "${@:1:3}" "-j$(nproc)" "$4" || {
		grep -m 20 -A 3 -E 'error:|undefined reference|\*\*\* ' \
			"$BENCH/$name.log" >&2 || :
		die "the kernel $name does not build, see $BENCH/$name.log"
	}
}

build_kernels() {
	[[ $(uname -m) == x86_64 ]] ||
		die "make bench needs an x86-64 machine to build for one"
	unpack_stock
	need_space 1500 "building the kernels to be measured"
	build_kernel um um "$TREE" linux CONFIG_DM_RQ_BARRIER=y
	build_kernel stock x86_64 "$stock_tree" bzImage
	build_kernel series x86_64 "$TREE" bzImage CONFIG_DM_RQ_BARRIER=y
}
