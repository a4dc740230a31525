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
# messages as well, the script's lines marked by "> ", and witness.log what it
# wrote to $WITNESS, which is here as soon as it was written.
# Status: 0 passed, 1 failed or the kernel complained, 4 skipped, 124 hung.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=group.sh
. scripts/group.sh
# shellcheck source=memory.sh
. scripts/memory.sh
# shellcheck source=guest.sh
. scripts/guest.sh

said_verdict=1 # the caller says it
uml=${UML:-$UML_DIR/linux}

boot() {
	local mem=${MEM:-768M} args

	read -ra args <<<"${UML_ARGS:-}"
	ulimit -c 0
	rm -rf "$dir/guest"
	TMPDIR=$(memory_dir "$mem" "$dir") run_group "$limit" "$uml" "mem=$mem" \
		root=/dev/root rootfstype=hostfs rootflags=/ ro \
		"init=$ROOT/scripts/uml-init.sh" "guest_params=$dir/params" \
		"uml_dir=$dir/" umid=guest con=null con0=fd:0,fd:1 con1=null,fd:3 \
		con2=null,fd:4 \
		console=tty0 loglevel=7 kunit.enable=0 "${args[@]}" \
		</dev/null >>"$console" 2>&1 3>>"$output" 4>>"$witness"
}

# A guest that was killed leaves its control socket.
remove_socket() {
	rm -rf "$dir/guest"
}
at_exit remove_socket

[[ -x $uml ]] || die "no kernel at $uml: make uml"
run_guest "$@"
