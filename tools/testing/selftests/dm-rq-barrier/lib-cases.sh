#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: cases, what they expect, and KTAP output.
#
# A test registers its cases with add_case and ends with run_all_cases, or with
# run_cases of lib.sh.  A case is a function.  It states what it expects with the
# expect_* functions, which print what they saw and mark the case as failed, and
# goes on: a case with three wrong numbers shows all three.
#
# Nothing here waits for a fixed time.  wait_for waits for a condition, and its
# limit only says when to give up.

set -u

readonly KSFT_FAIL=1 KSFT_SKIP=4

WORK=$(mktemp -d "${TMPDIR:-/tmp}/dm-rq-barrier.XXXXXX")

# --- cleanup ----------------------------------------------------------------

CLEANUP=()

# at_exit COMMAND [ARGS]: run when the test ends, the last one first.
at_exit() {
	CLEANUP+=("$(printf '%q ' "$@")")
}

cleanup() {
	local i

	for ((i = ${#CLEANUP[@]} - 1; i >= 0; i--)); do
		eval "${CLEANUP[i]}" >/dev/null 2>&1
	done
	CLEANUP=()
	rm -rf "$WORK"
}

# Something hangs, and would make the cleanup hang too.
leave_it_all() {
	trap - EXIT
}

trap cleanup EXIT
trap 'exit $KSFT_FAIL' INT TERM HUP

# --- KTAP -------------------------------------------------------------------

CASES=()
CASE_FAILED=
CASE_SKIPPED=

msg() {
	local line

	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

skip_all() {
	if [[ -n ${DEMO:-} ]]; then
		echo "FAIL: $*"
	else
		echo "TAP version 13"
		echo "1..0 # SKIP $*"
	fi
	exit "$KSFT_SKIP"
}

# A broken environment, as opposed to a wrong result.
bail_out() {
	if [[ -n ${DEMO:-} ]]; then
		echo "FAIL: $*"
	else
		echo "Bail out! $*"
	fi
	exit "$KSFT_FAIL"
}

fail() {
	[[ -z ${DEMO:-} ]] || bail_out "$@"
	CASE_FAILED=1
	msg "$*"
}

# skip_case REASON: for a case that cannot run here.
skip_case() {
	CASE_SKIPPED=$*
}

# add_case SENTENCE FUNCTION [ARGS]
add_case() {
	declare -F "$2" >/dev/null || bail_out "no function $2"
	CASES+=("$(printf '%q ' "$@")")
}

run_case() {
	local name=$2

	CASE_FAILED=
	CASE_SKIPPED=
	"${@:3}" 2>"$WORK/stderr"
	if [[ -n $CASE_FAILED ]]; then
		sort -u "$WORK/stderr" | head -n 20 | sed 's/^/# /'
		echo "not ok $1 $name"
		return 1
	fi
	echo "ok $1 $name${CASE_SKIPPED:+ # SKIP $CASE_SKIPPED}"
}

# run_all_cases: in their order, and exit
run_all_cases() {
	local i status=0

	echo "TAP version 13"
	echo "1..${#CASES[@]}"
	for i in "${!CASES[@]}"; do
		eval "run_case $((i + 1)) ${CASES[i]}" || status=$KSFT_FAIL
	done
	exit "$status"
}

# --- expectations -----------------------------------------------------------

# expect_is WHAT ACTUAL EXPECTED
expect_is() {
	[[ $2 == "$3" ]] || fail "$1: \"$2\" instead of \"$3\""
}

# expect_num WHAT ACTUAL OPERATOR EXPECTED: operators as those of test
expect_num() {
	test "$2" "$3" "$4" || fail "$1: $2, expected $3 $4"
}

# expect_match WHAT TEXT REGEX
expect_match() {
	[[ $2 =~ $3 ]] || fail "$1: \"$2\" does not match \"$3\""
}

# must COMMAND...: it has to succeed; what it says is shown if it does not.
must() {
	local out

	out=$("$@" 2>&1) || {
		fail "failed: $*"
		msg "$out"
		return 1
	}
}

# must_fail REGEX COMMAND...: it has to fail, and to say why.
must_fail() {
	local out

	if out=$("${@:2}" 2>&1); then
		fail "succeeded: ${*:2}"
	elif [[ ! $out =~ $1 ]]; then
		fail "failed, but not with \"$1\": ${*:2}"
		msg "$out"
	fi
}

# --- waiting ----------------------------------------------------------------

# wait_for SECONDS COMMAND...: poll until it succeeds.
wait_for() {
	local end=$((EPOCHSECONDS + $1))

	until "${@:2}"; do
		((EPOCHSECONDS < end)) || return 1
		sleep 0.02
	done
}

process_ended() {
	! kill -0 "$1" 2>/dev/null
}

# In the kernel, waiting for something.
process_sleeps() {
	grep -q '^State:.D' "/proc/$1/status"
}

# expect_exit WHAT PID STATUS: it ends in time, with that status ("fails": any
# but 0).  A process that hangs is left alone, waiting for it would hang us too.
expect_exit() {
	local status=0

	if ! wait_for 60 process_ended "$2"; then
		fail "$1: hangs in $(tr '\n' ' ' <"/proc/$2/stack" 2>/dev/null)"
		return
	fi
	wait "$2" || status=$?
	if [[ $3 == fails ]]; then
		((status != 0)) || fail "$1: succeeded"
	else
		expect_is "$1, exit status" "$status" "$3"
	fi
}
