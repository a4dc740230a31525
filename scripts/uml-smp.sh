#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: user mode Linux with several processors, on lines that have it.  What
# programs of the guest do still takes place one thread of each at a time, and
# what the kernel does for them all at once.

UML_SMP_DIR=$KB/smp-uml
export UML_SMP=$UML_SMP_DIR/linux

# uml_has_smp: does the line of the assembled tree?
uml_has_smp() {
	grep -q '^config SMP$' "$TREE/arch/um/Kconfig"
}

# uml_smp_arguments: for the kernel.  It cannot trace its processes by ptrace()
# from several threads.
uml_smp_arguments() {
	echo "ncpus=${CPUS:-2} seccomp=on"
}
