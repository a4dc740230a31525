#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# boot-uml.sh TIMEOUT SCRIPT [ARGUMENTS]: boots the user mode kernel on the
# host's root, read-only, runs SCRIPT in it and judges how that went.
#
# Environment: MEM        memory of the guest (768M)
#              UML_ARGS   more kernel arguments, split at blanks
#              BOOT_DIR   where the logs go (build/KERNEL/boot/SCRIPT)
#              STREAM     not empty: show what the script writes, as it comes
#              UML        the kernel to boot (the one that make uml builds)
# Logs: output.log is what the script wrote, console.log has the kernel's
# messages as well, the script's lines marked by "> ".
# Status: 0 passed, 1 failed or the kernel complained, 4 skipped, 124 hung.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=group.sh
. scripts/group.sh
# shellcheck source=memory.sh
. scripts/memory.sh
# shellcheck source=reports.sh
. scripts/reports.sh

limit=$1
script=$(realpath "$2")
shift 2
name=${script##*/}
uml=${UML:-$UML_DIR/linux}
dir=${BOOT_DIR:-$KB/boot/${name%.sh}}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd -P)
console=$dir/console.log
output=$dir/output.log
said_verdict=1 # the caller says it

# What the guest needs to know, for process 1 to read.
write_params() {
	{
		printf 'guest_command=('
		printf ' %q' "$script" "$@"
		printf ' )\nguest_keep=(%q %q %q %q)\n' \
			"$ROOT" "$BUILD" "$dir" "${script%/*}"
		printf 'export %s=%q\n' TEST_SECONDS "${TEST_SECONDS:-}" \
			OUTPUT "${OUTPUT:-}" KERNEL_TREE "$TREE" LC_ALL "$LC_ALL"
	} >"$dir/params"
}

boot() {
	local mem=${MEM:-768M} args

	read -ra args <<<"${UML_ARGS:-}"
	ulimit -c 0
	rm -rf "$dir/guest"
	: >"$console"
	TMPDIR=$(memory_dir "$mem" "$dir") run_group "$limit" "$uml" "mem=$mem" \
		root=/dev/root rootfstype=hostfs rootflags=/ ro \
		"init=$ROOT/scripts/uml-init.sh" "uml_params=$dir/params" \
		"uml_dir=$dir/" umid=guest con=null con0=fd:0,fd:1 con1=null,fd:3 \
		console=tty0 loglevel=7 kunit.enable=0 "${args[@]}" \
		</dev/null >>"$console" 2>&1 3>>"$output"
}

tail_console() {
	echo "--- last lines of $console"
	tail -n 60 "$console"
	echo "---"
}

judge() {
	local boot_status=$1 reports status

	sed -i 's/\r$//' "$console" "$output"
	if ((boot_status == 124)); then
		tail_console
		echo "$name: no end after $limit s, guest killed"
		return 124
	fi
	status=$(sed -n 's/^.*dm-rq-barrier-exit: \([0-9]*\)$/\1/p' "$console")
	reports=$(kernel_reports "$console")
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

# A guest that was killed leaves its control socket.
remove_socket() {
	rm -rf "$dir/guest"
}
at_exit remove_socket

[[ -x $uml ]] || die "no kernel at $uml: make uml"
[[ -x $script ]] || die "$script cannot be executed"
write_params "$@"
: >"$output"
if [[ -n ${STREAM:-} ]]; then
	tail -n +1 -s 0.1 -f "$output" 9>&- &
	stream_pid=$!
fi
status=0
boot || status=$?
if [[ -n $stream_pid ]]; then
	sleep 0.3
	stop_stream
fi
judge "$status"
