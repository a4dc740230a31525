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

# What dot2k makes, and the headers of older lines, which are not posted.
series_forgiven='^(kernel/trace/rv/monitors/[^ ]*\.h|kernel/trace/rv/rv_trace\.h'
series_forgiven+='|drivers/md/dm-rq-compat\.h):'

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
	diff <(grep -oE '\b(block|include|kernel|tools)/[a-z0-9_/]*[.A-Za-z]+\b' \
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
	mentions+='|\b(build|patches|series|reproduce|compat|debian)/[0-9a-zP]'
	mentions+='|\.ci/|\bREADME\b|\bKERNEL=[0-9]'
	# which the newest kernel does not get
	[[ -n ${COMPAT:-} ]] || mentions+='|\bdm-rq-compat\b'
	mapfile -t patches < <(series_patches)
	! grep -nE "^[^-].*($mentions)" "${patches[@]}"
}

# get_maintainer FILE...: all that it finds for them, section by section
get_maintainer() {
	in_tree perl scripts/get_maintainer.pl --no-git --no-git-fallback \
		--sections "$@"
}

# recipients_missing FOUND WANTED...: lines that are not in what it has found
recipients_missing() {
	local wanted bad=1

	for wanted in "${@:2}"; do
		grep -xF -- "$wanted" <<<"$1" >/dev/null && continue
		echo "${wanted/$'\t'/ }"
		bad=0
	done
	return $bad
}

# changes_others PATCH: nothing but files that the kernel has, and none of dm
changes_others() {
	! grep -qE '^(\+\+\+ b/drivers/md/|--- /dev/null$)' "$1"
}

# check_recipients PATCH LIST HEADING: what is for others has to reach a list of
# theirs, which that of all patches is not.
check_recipients() {
	local found missing wanted=("$2")

	found=$(get_maintainer "$1") || return
	if changes_others "$1"; then
		grep '^L:' <<<"$found" | grep -qv 'linux-kernel@' && return
		echo "${1##*/} does not find any list"
		return 1
	fi
	! grep -qx -- '--- /dev/null' "$1" || wanted+=("$3")
	missing=$(recipients_missing "$found" "${wanted[@]}") || return 0
	echo "${1##*/} does not find: ${missing//$'\n'/, }"
	return 1
}

# check_series_recipients: each patch reaches the list of our section, and what
# adds files our section.  The patch of MAINTAINERS alone belongs to nobody.
check_series_recipients() {
	local heading list patch bad=0

	heading=$(grep -m 1 -v -e '^#' -e '^$' MAINTAINERS) || return
	list=$(grep -m 1 '^L:' MAINTAINERS) || return
	for patch in $(series_patches | grep -v '/0000-'); do
		grep '^+++ ' "$patch" | grep -qvx '+++ b/MAINTAINERS' || continue
		check_recipients "$patch" "$list" "$heading" || bad=1
	done
	return $bad
}
