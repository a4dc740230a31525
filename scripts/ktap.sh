#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: count the cases of test scripts that ran in guests.

# shellcheck source=counts.sh
. scripts/counts.sh

# count_lines PATTERN: of the test's own cases; those in cases are indented.
count_lines() {
	grep -acE "$1" "$boot_dir/output.log" || :
}

# complaint STATUS: why a script counts as failed beyond its failing cases.
complaint() {
	local planned

	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$boot_dir/output.log" |
		head -n 1)
	case $1 in
	0) ;;
	4) return ;;
	124) echo "hung" ;;
	*)
		# a failing case already explains a script's failing status
		if ! grep -q ': exit status [0-9]*$' "$boot_dir/judgement"; then
			tail -n 1 "$boot_dir/judgement" | sed 's/.*: //; s/, see .*//'
		elif ((not_ok == 0)); then
			echo "failed without a failing case"
		fi ;;
	esac
	if [[ -z $planned ]]; then
		echo "no plan"
	elif ((planned != ok + not_ok + skip)); then
		echo "planned $planned, ran $((ok + not_ok + skip))"
	fi
}

show_failure() {
	grep -aE '^not ok |^# ' "$boot_dir/output.log" | tail -n 40 || :
	sed 's/^/    /' "$boot_dir/judgement"
	echo "    console: $boot_dir/console.log"
}

# count_cases DIRECTORY TEST STATUS SECONDS: add this script's cases to the sums
# and say how it went.  In the directory output.log is KTAP, and judgement what
# booted the guest said of it.
count_cases() {
	local boot_dir=$1 ok not_ok skip wrong line

	skip=$(count_lines '^ok .*# *SKIP')
	ok=$(($(count_lines '^ok ') - skip))
	not_ok=$(count_lines '^not ok ')
	wrong=$(complaint "$3" | paste -sd ';')
	if (($3 == 4 && ok + not_ok + skip == 0)); then
		skip=1
	fi
	[[ -z $wrong ]] || not_ok=$((not_ok + 1))
	add_counts "$ok" "$not_ok" "$skip"
	line="$ok passed, $not_ok failed, $skip skipped"
	step "$2: $line, $4 s${wrong:+ ($wrong)}"
	((not_ok == 0)) || show_failure
}
