#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: run targets one after the other and add up what they counted.  Each
# runs, whatever the others said.

# shellcheck source=counts.sh
. scripts/counts.sh

# stage NAME COMMAND: it reports its counts under that name; without counts it
# failed.
stage() {
	local counts=(0 1 0) status=0

	step "=== $1"
	rm -f "$KB/results/$1"
	"${@:2}" || status=$?
	read_counts "$KB/results/$1" "$status" || :
	add_counts "${counts[@]}"
}
