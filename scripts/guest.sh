#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by what boots a guest to run a script in it, which is called with
# TIMEOUT SCRIPT [ARGUMENTS]: what the guest is told, and how it is judged what
# became of it.  Environment and logs are described in boot-uml.sh.

# shellcheck source=reports.sh
. scripts/reports.sh

limit=$1
script=$(realpath "$2")
shift 2
name=${script##*/}
dir=${BOOT_DIR:-$KB/boot/${name%.sh}}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)
console=$dir/console.log
output=$dir/output.log
witness=$dir/witness.log

# What the guest needs to know, for process 1 to read.
write_params() {
	{
		printf 'guest_command=('
		printf ' %q' "$script" "$@"
		printf ' )\nguest_keep=(%q %q %q %q)\n' \
			"$ROOT" "$BUILD" "$dir" "${script%/*}"
		printf 'export %s=%q\n' TEST_SECONDS "${TEST_SECONDS:-}" \
			MODE "${MODE:-}" SEED "${SEED:-}" CUTS "${CUTS:-}" \
			CUT "${CUT:-}" TEST_CPUS "${TEST_CPUS:-}" \
			OUTPUT "${OUTPUT:-}" KERNEL_TREE "$TREE" LC_ALL "$LC_ALL"
	} >"$dir/params"
}

tail_console() {
	echo "--- last lines of $console"
	tail -n 60 "$console"
	echo "---"
}

# guest_reports LOG: complaints of the kernel that make the guest a failure
guest_reports() {
	kernel_reports "$1"
}

# judge STATUS: of the guest; returns what the script's caller gets.
judge() {
	local boot_status=$1 reports status

	sed -i 's/\r$//' "$console" "$output"
	if ((boot_status == 124)); then
		tail_console
		echo "$name: no end after $limit s, guest killed"
		return 124
	fi
	status=$(sed -n 's/^.*dm-rq-barrier-exit: \([0-9]*\)$/\1/p' "$console")
	reports=$(guest_reports "$console")
	if [[ -n $reports ]]; then
		head -n 20 <<<"$reports"
		echo "$name: the kernel complained, see $console"
		return 1
	fi
	if [[ -z $status ]]; then
		tail_console
		echo "$name: the guest died before the script ended"
		return 1
	fi
	case $status in
	0 | 4) return "$status" ;;
	esac
	echo "$name: exit status $status"
	return 1
}

stream_pid=
stop_stream() {
	[[ -z $stream_pid ]] || kill "$stream_pid" 2>/dev/null || :
	stream_pid=
}
at_exit stop_stream

# run_guest [ARGUMENTS]: boot, which the caller defines, with the script's
# arguments where the guest finds them, and judge.
run_guest() {
	local status=0

	[[ -x $script ]] || die "$script cannot be executed"
	write_params "$@"
	: >"$console"
	: >"$output"
	: >"$witness"
	if [[ -n ${STREAM:-} ]]; then
		tail -n +1 -s 0.1 -f "$output" 9>&- &
		stream_pid=$!
	fi
	boot || status=$?
	if [[ -n $stream_pid ]]; then
		sleep 0.3
		stop_stream
	fi
	judge "$status"
}
