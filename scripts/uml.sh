#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make uml: build the user mode Linux kernel with the KUnit suites and all that
# the selftests use.  The last line is the path of the binary.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh

log=$KB/uml.log

our_sources() {
	overlay_files | grep '\.[ch]$' || :
}

# Warnings are said once, when a file is compiled.  So that they do not vanish
# from the next run, the objects of our files go when a check did not pass, or
# was never reached.
forget_our_objects() {
	local file

	for file in $(our_sources); do
		rm -f "$UML_DIR/${file%.c}.o"
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
		step "$(grep -c '^  \(CC\|AS\|HOSTCC\) ' "$log") files compiled"
	done
}

build() {
	local status=0

	show_progress 9>&- &
	ticker=$!
	# kunit.py run makes compile_commands.json too: leave it nothing to do
	kmake "$UML_DIR" "-j$(nproc)" all compile_commands.json \
		>"$log" 2>&1 || status=$?
	stop_ticker
	((status == 0)) && return
	# the first errors, or whatever there is
	grep -m 20 -A 3 -E \
		'error:|undefined reference|No space left|Killed|\*\*\* ' \
		"$log" >&2 || tail -n 20 "$log" >&2
	die "the kernel does not build, see $log"
}

refuse_warnings() {
	local pattern warnings

	pattern=$(our_sources | sed 's/[.]/[.]/g' | paste -sd '|')
	[[ -n $pattern ]] || return 0
	warnings=$(grep -A 4 -E "($pattern):[0-9:]+ warning:" "$log") || return 0
	forget_our_objects
	echo "$warnings" >&2
	die "compiler warnings in our files, see $log"
}

take_lock
sub tree.sh
need_compiler
need_space 800 "building the kernel"
setup_ccache
configure
[[ ! -f $KB/uml.unchecked ]] || forget_our_objects
touch "$KB/uml.unchecked"
step "building, log in $log"
build
refuse_warnings
rm -f "$KB/uml.unchecked"
step "built, $(grep -c '^  CC ' "$log") files compiled"
verdict "$UML_DIR/linux"
