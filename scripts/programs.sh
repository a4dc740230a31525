#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: the programs that the selftests bring along, built outside the tree.

export OUTPUT=$KB/selftests

build_programs() {
	local dir=$TREE/$SELFTESTS

	mkdir -p "$OUTPUT"
	need_packages "building the tests' programs" gcc make libc6-dev
	make -C "$dir" "OUTPUT=$OUTPUT" all >"$KB/selftests.log" 2>&1 || {
		tail -n 20 "$KB/selftests.log" >&2
		die "the tests' programs do not build, see $KB/selftests.log"
	}
}
