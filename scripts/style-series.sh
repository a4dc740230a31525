#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by style.sh: checks of the patches that make series writes, which have
# to make sense to those who have nothing but them.

series_patches() {
	ls "$KB"/series/[0-9]*.patch
}

# MAINTAINERS comes last, and covers what earlier patches add.  Commits are known
# to who has the kernel's history.  Programs may be executed.  drivers/md/Kconfig
# cannot avoid the name of the Kconfig that it sources.
series_ignored=FILE_PATH_CHANGES,UNKNOWN_COMMIT_ID,EXECUTE_PERMISSIONS
series_ignored+=,EMBEDDED_FILENAME

# What dot2k makes, and the compat header of older lines, which is not posted.
series_forgiven='^(kernel/trace/rv/monitors/[^ ]*\.h|drivers/md/dm-rq-compat\.h):'

check_series_patches() {
	local patches complaints

	mapfile -t patches < <(series_patches | grep -v '/0000-')
	complaints=$(checkpatch "--ignore=$series_ignored" "${patches[@]}" |
		grep -vE "$series_forgiven") || :
	[[ -z $complaints ]] || {
		echo "$complaints"
		return 1
	}
}

# What the cover letter says of files outside drivers/md is what the hooks do.
check_series_scope() {
	diff <(grep -oE '\b(block|include|kernel)/[a-z0-9_/]*[.A-Za-z]+\b' \
		"series/outside.$KERNEL" | sort -u) \
		<(hooked_files | grep -vE '^(drivers/md|Documentation)/')
}

# targets: of our Makefile, separated by |
targets() {
	sed -n 's/^\([a-z-]*\):.*## .*/\1/p' Makefile | paste -sd '|'
}

our_scripts() {
	(cd scripts && printf '%s\n' *.sh) | sed 's/[.]/[.]/' | paste -sd '|'
}

# check_series_text: nobody else has this repository's tools.  Removed lines may
# say what they like.
check_series_text() {
	local patches mentions

	mentions="\\bmake ($(targets))\\b|\\bscripts/($(our_scripts))"
	mentions+='|\b(build|patches|series)/[0-9a-z]|\bREADME\b'
	mapfile -t patches < <(series_patches)
	! grep -nE "^[^-].*($mentions)" "${patches[@]}"
}
