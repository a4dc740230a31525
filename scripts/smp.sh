#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make smp: real concurrency.  In QEMU with a kernel that looks for wrong locking
# and for wrong use of memory, and then with one that looks for data races; and
# with user mode Linux, on lines where that can have several processors.
#
# Environment: MACHINE    only this one (qemu or uml)
#              SANITIZER  only this kernel for QEMU (kasan or kcsan)
#              and what smp-run.sh and smp-uml.sh describe

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=stage.sh
. scripts/stage.sh
# shellcheck source=uml-smp.sh
. scripts/uml-smp.sh

run_in_qemu() {
	local sanitizer

	for sanitizer in ${SANITIZER:-kasan kcsan}; do
		SANITIZER=$sanitizer stage "smp-$sanitizer" scripts/smp-run.sh
	done
}

# Who asks for it alone is to know that it is not there.
run_in_uml() {
	sub tree.sh
	if uml_has_smp; then
		stage smp-uml scripts/smp-uml.sh
	elif [[ -n ${MACHINE:-} ]]; then
		die "user mode Linux of $KERNEL has one processor"
	else
		step "not with user mode Linux: that of $KERNEL has one processor"
	fi
}

take_lock
case ${MACHINE:-${SANITIZER:+qemu}} in
qemu) run_in_qemu ;;
uml) run_in_uml ;;
"") run_in_qemu
	run_in_uml ;;
*) die "MACHINE=$MACHINE is neither qemu nor uml" ;;
esac
report_counts smp "$passed" "$failed" "$skipped"
