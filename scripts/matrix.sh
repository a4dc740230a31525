#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make matrix: the tests on every line of kernels, and one table of what they
# came to.  Lines differ in which hooks they have; the table shows where that
# matters.
#
# Environment: KERNELS  only these lines, for example "6.1 7.3"
#              TARGETS  only these targets, for example "kunit"

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=stage.sh
. scripts/stage.sh

# In the order in which they run: the quick ones that the others need first
known="tree uml style kunit selftest modules"
# What each needs to have passed on that line
declare -A needs=([uml]=tree [style]=tree [kunit]=uml [selftest]=uml)
# What a line's targets came to, by "LINE TARGET"
declare -A cells=()

# all_of KNOWN WORDS...: each of the words has to be one of those that are known
all_of() {
	local word

	for word in "${@:2}"; do
		[[ " $1 " == *" $word "* ]] ||
			die "$word is not one of: $1"
	done
}

has_target() {
	[[ $2 != modules || -f patches/$1/series.module ]]
}

kernel_version() {
	(
		export KERNEL=$1
		load_base
		echo "$VERSION"
	)
}

# may_run LINE TARGET: not if what it needs has failed, for the same reason
may_run() {
	local need=${needs[$2]:-}

	[[ -z $need || ${cells["$1 $need"]:-} != failed* ]]
}

# run_target LINE TARGET: those that count leave their counts in a file.
run_target() {
	local results=$BUILD/$1/results/$2 counts=(0 1 0) status=0

	step "=== $1 $2"
	rm -f "$results"
	KERNEL=$1 "scripts/$2.sh" || status=$?
	if read_counts "$results" "$status"; then
		cells["$1 $2"]="${counts[0]}/${counts[1]}/${counts[2]}"
	elif ((status == 0)); then
		cells["$1 $2"]="done"
		counts=(1 0 0)
	else
		cells["$1 $2"]=failed
	fi
	add_counts "${counts[@]}"
}

run_line() {
	local target

	for target in "${order[@]}"; do
		if ! has_target "$1" "$target"; then
			cells["$1 $target"]=-
		elif ! may_run "$1" "$target"; then
			cells["$1 $target"]="not run"
			add_counts 0 1 0
		else
			run_target "$1" "$target"
		fi
	done
}

show_table() {
	local line target

	echo
	echo "passed/failed/skipped; - is what a line does not have"
	printf '%-6s %-18s' line kernel
	printf ' %-14s' "${order[@]}"
	echo
	for line in $lines; do
		printf '%-6s %-18s' "$line" "$(kernel_version "$line")"
		for target in "${order[@]}"; do
			printf ' %-14s' "${cells["$line $target"]}"
		done
		echo
	done
}

take_lock
supported=$(supported_lines)
lines=${KERNELS:-$supported}
targets=${TARGETS:-$known}
# shellcheck disable=SC2086	# lists of words
all_of "$supported" $lines
# shellcheck disable=SC2086
all_of "$known" $targets
# in the order of $known, however they are given
order=()
for target in $known; do
	[[ " $targets " != *" $target "* ]] || order+=("$target")
done
for line in $lines; do
	run_line "$line"
done
show_table
report_counts matrix "$passed" "$failed" "$skipped"
