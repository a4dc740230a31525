#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced, by the scripts of the repository and by those of the package: what
# patches/$KERNEL/ has.  The current directory is the one that patches/ is in.

# list_of FILE: the words of a list of patches, without its comments
list_of() {
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$1"
}

# The hooks in the order in which they apply.
series() {
	list_of "patches/${KERNEL:?}/series"
}

# series_of WHAT: another list, which not all lines have
series_of() {
	local list=patches/${KERNEL:?}/series.$1

	[[ ! -f $list ]] || list_of "$list"
}

# What the module alone needs, on top of the assembled tree.  Lines without this
# list have no module of their own.
module_series() {
	series_of module
}

# The kernel files that the hooks touch, one a line.
hooked_files() {
	local patch

	series | while read -r patch; do
		sed -n 's,^\(---\|+++\) [ab]/\([^[:space:]]*\).*,\2,p' \
			"patches/$KERNEL/$patch"
	done | sort -u
}

load_base() {
	# shellcheck source=../../patches/6.12/base
	. "patches/${KERNEL:?}/base"
}

# supported_lines: of the kernel, with blanks between
supported_lines() {
	(cd patches && printf '%s\n' */base) | sed 's,/base,,' | paste -sd ' '
}
