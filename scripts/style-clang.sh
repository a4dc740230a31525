#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by style.sh after style-build.sh: what clang says about our files and
# about the lines that hooks add.  It compiles these files and no others.

# The newest of Debian 12, and new enough for all lines (the kernel's
# scripts/min-tool-version.sh)
clang="clang-19"

clang_objects() {
	{
		our_code
		hooked_code
	} | sed 's/c$/o/'
}

# clang_build: W=1 has clang look for more than gcc, and differently.
clang_build() {
	# shellcheck disable=SC2034	# by kmake
	local make_options=("CC=ccache $clang")
	local targets

	mapfile -t targets < <(clang_objects)
	copy_config "$KB/clang" -e ''
	forget "$KB/clang"
	kmake "$KB/clang" "-j$(nproc)" -k W=1 "${targets[@]}" \
		>"$KB/clang.log" 2>&1 || :
}

# check_clang_built: also that it was clang
check_clang_built() {
	local objects

	grep -x CONFIG_CC_IS_CLANG=y "$KB/clang/.config" >/dev/null || {
		echo "$KB/clang is not configured for clang"
		return 1
	}
	mapfile -t objects < <(clang_objects)
	missing_objects "$KB/clang" "${objects[@]}"
}

check_clang() {
	complain_of "$KB/clang.log" .
}
