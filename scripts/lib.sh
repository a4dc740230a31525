#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by every script: where things are, how progress and the verdict are
# said, and the lock that keeps two runs from working in one build directory.

set -euo pipefail

# Paths are physical: the guest sees the host's root, and a symbolic link may
# lead through a directory that is hidden there.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$ROOT"

KERNEL=${KERNEL:-6.12}
# shellcheck source=../debian/dkms/series.sh
. debian/dkms/series.sh
mkdir -p "$ROOT/build"
BUILD=$(cd "$ROOT/build" && pwd -P)
export KB=$BUILD/$KERNEL
export TREE=$KB/tree
export UML_DIR=$KB/uml
export SELFTESTS=tools/testing/selftests/dm-rq-barrier
export LC_ALL=C.UTF-8
export PYTHONDONTWRITEBYTECODE=1

# A make above us must not hand its variables and job server to the kernel's
# make, nor may settings for another kernel build.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
unset ARCH CROSS_COMPILE KBUILD_OUTPUT KBUILD_EXTMOD KCONFIG_CONFIG LOCALVERSION

# Scripts that call each other show one common clock.
export STEP_START=${STEP_START:-$EPOCHSECONDS}

said_verdict=
exit_actions=()

step() {
	printf '[%4ds] %s\n' $((EPOCHSECONDS - STEP_START)) "$*"
}

verdict() {
	said_verdict=1
	printf '%s\n' "$*"
}

die() {
	verdict "FAILED: $*" >&2
	exit 1
}

# at_exit COMMAND: also after an error and after Ctrl-C.
at_exit() {
	exit_actions+=("$1")
}

on_exit() {
	local status=$? action

	set +e
	for action in "${exit_actions[@]}"; do
		$action
	done
	if ((status != 0)) && [[ -z $said_verdict ]]; then
		echo "FAILED: ${0##*/} stopped with status $status" >&2
	fi
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# sub SCRIPT [ARGS]: run another script of ours; it says its own verdict.
sub() {
	local status=0

	"$ROOT/scripts/$1" "${@:2}" || status=$?
	if ((status != 0)); then
		said_verdict=1
		exit "$status"
	fi
}

# The lock is the open file 9, which scripts that we call inherit.
take_lock() {
	if [[ /proc/$$/fd/9 -ef $BUILD/.lock ]]; then
		return
	fi
	exec 9>"$BUILD/.lock"
	flock -n 9 ||
		die "another make is at work in $BUILD; wait until it is done"
}

# need_space MEGABYTES PURPOSE
need_space() {
	local free

	free=$(df --output=avail -B1M "$BUILD" | tail -n 1)
	((free >= $1)) ||
		die "$2 needs $1 MB under $BUILD, only $((free)) MB are free"
}

# report_counts NAME PASSED FAILED SKIPPED: the last line of a test target.
# The numbers are kept for make check, which adds them up.
report_counts() {
	mkdir -p "$KB/results"
	echo "$2 $3 $4" >"$KB/results/$1"
	verdict "$2 passed, $3 failed, $4 skipped"
	(($3 == 0 && $2 > 0)) || exit 1
}

# The files this repository adds to the kernel, one a line.
overlay_files() {
	local dirs=(drivers include kernel Documentation tools) file

	if [[ $(git rev-parse --show-toplevel 2>/dev/null) == "$ROOT" ]]; then
		git ls-files -co --exclude-standard -- "${dirs[@]}"
	else
		find "${dirs[@]}" -type f ! -name '*~' ! -name '.*.swp' \
			! -name '*.orig' ! -name '*.rej' \
			! -path '*/__pycache__/*' 2>/dev/null
	fi | sort -u | while read -r file; do
		# git also lists files that were just removed
		[[ ! -f $file ]] || echo "$file"
	done
}

if [[ ! -f patches/$KERNEL/base ]]; then
	die "KERNEL=$KERNEL is not supported; patches/ has hooks for:" \
		"$(supported_lines)"
fi
case $ROOT$BUILD in
*[[:space:]:,]*)
	die "the kernel cannot be built in $ROOT: no blank, colon or comma, please" ;;
esac
