#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: which scripts of the selftests to run.  $dir is where they are.

# make_variable NAME: as the selftests' Makefile sets it.
make_variable() {
	make -s -C "${dir:?}" --no-print-directory \
		--eval "print-it: ; @echo \$($1)" print-it
}

# tests_to_run DEFAULT KNOWN: the scripts of $TESTS, with or without .sh, which
# have to be known, or those that are the default.
tests_to_run() {
	local test

	for test in ${TESTS:-$1}; do
		test=${test##*/}
		test=${test%.sh}.sh
		[[ " $2 " == *" $test "* ]] ||
			die "$test is not one of the tests: $2"
		echo "$test"
	done
}
