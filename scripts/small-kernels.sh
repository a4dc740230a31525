#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: kernels that have no more than what is asked for, so that they are
# built soon.  The configurations are in $CONFIGS, by architecture, and what is
# built is in $KERNELS.

# kernel_make NAME ARCH SOURCE [ARGUMENTS]: the kernel's make for one of them.
kernel_make() {
	make -C "$3" "ARCH=$2" "O=$KERNELS/o-$1" "CC=ccache gcc" "${@:4}" \
		>>"$KERNELS/$1.log" 2>&1
}

# lacking NAME: options that were asked for and are not set as asked.
lacking() {
	grep '^CONFIG' "$KERNELS/$1.config" | while read -r option; do
		grep -qxF -- "$option" "$KERNELS/o-$1/.config" || echo "$option"
	done | paste -sd ' '
}

# build_kernel NAME ARCH SOURCE TARGET [OPTION]...: allnoconfig and what the
# configuration called ARCH and the options say.
build_kernel() {
	local name=$1 missing

	step "building the kernel $name, log in $KERNELS/$name.log"
	: >"$KERNELS/$name.log"
	{
		cat "${CONFIGS:?}/$2.config"
		printf '%s\n' "${@:5}"
	} >"$KERNELS/$name.config"
	mkdir -p "$KERNELS/o-$name"
	kernel_make "${@:1:3}" allnoconfig \
		"KCONFIG_ALLCONFIG=$KERNELS/$name.config" ||
		die "the kernel $name cannot be configured, see $KERNELS/$name.log"
	missing=$(lacking "$name")
	[[ -z $missing ]] || die "the kernel $name comes without $missing"
	kernel_make "${@:1:3}" "-j$(nproc)" "$4" || {
		grep -m 20 -A 3 -E 'error:|undefined reference|\*\*\* ' \
			"$KERNELS/$name.log" >&2 || :
		die "the kernel $name does not build, see $KERNELS/$name.log"
	}
}
