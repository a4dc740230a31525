#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: build a kernel, say how far it is, and refuse warnings in our files.

our_sources() {
	overlay_files | grep '\.[ch]$' || :
}

# Warnings are said once, when a file is compiled.  So that they do not vanish
# from the next run, the objects of our files go when a check did not pass, or
# was never reached.
forget_our_objects() {
	local file

	for file in $(our_sources); do
		rm -f "$1/${file%.c}.o"
	done
}

ticker=
stop_ticker() {
	[[ -z $ticker ]] || kill "$ticker" 2>/dev/null || :
	ticker=
}
at_exit stop_ticker

show_progress() {
	while sleep 15; do
		step "$(grep -c '^  \(CC\|AS\|HOSTCC\) ' "$1") files compiled"
	done
}

# with_progress LOG COMMAND...: the command's status
with_progress() {
	local status=0

	show_progress "$1" 9>&- &
	ticker=$!
	"${@:2}" >"$1" 2>&1 || status=$?
	stop_ticker
	return $status
}

# run_make LOG COMMAND...: the kernel's make
run_make() {
	local log=$1

	with_progress "$@" && return
	# the first errors, or whatever there is
	grep -m 20 -A 3 -E \
		'error:|undefined reference|No space left|Killed|\*\*\* ' \
		"$log" >&2 || tail -n 20 "$log" >&2
	die "the kernel does not build, see $log"
}

# refuse_warnings DIRECTORY LOG
refuse_warnings() {
	local pattern warnings

	pattern=$(our_sources | sed 's/[.]/[.]/g' | paste -sd '|')
	[[ -n $pattern ]] || return 0
	warnings=$(grep -A 4 -E "($pattern):[0-9:]+ warning:" "$2") || return 0
	forget_our_objects "$1"
	echo "$warnings" >&2
	die "compiler warnings in our files, see $2"
}

# build_kernel DIRECTORY LOG COMMAND...: build in that directory and refuse
# warnings.  $DIRECTORY.unchecked is there while they were not looked at.
build_kernel() {
	[[ ! -f $1.unchecked ]] || forget_our_objects "$1"
	touch "$1.unchecked"
	step "building, log in $2"
	run_make "${@:2}"
	refuse_warnings "$1" "$2"
	rm -f "$1.unchecked"
	step "built, $(grep -c '^  CC ' "$2") files compiled"
}
