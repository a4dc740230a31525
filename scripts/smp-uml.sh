#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# smp-uml.sh: what make smp does with user mode Linux, on lines where that can
# have several processors; see smp-tests.sh.  It is no emulation, so much more
# happens in the same time than in QEMU.
#
# Environment: MEM       memory of the guest (768M, or what the script says)
#              CPUS      its processors (2)
#              UML_ARGS  more kernel arguments
#              TESTS, TEST_SECONDS: as for make selftest

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=uml-smp.sh
. scripts/uml-smp.sh
smp_name=smp-uml
# shellcheck source=smp-tests.sh
. scripts/smp-tests.sh

boot_suites() {
	scripts/smp-uml-kunit.sh "$@"
}

boot_script() {
	local mem

	mem=$(header "$2" mem)
	MEM=${MEM:-$mem} UML=$UML_SMP TEST_CPUS=${CPUS:-2} \
		UML_ARGS="$(uml_smp_arguments) $3 ${UML_ARGS:-}" \
		scripts/boot-uml.sh "$1" "$2"
}

take_lock
sub smp-uml-build.sh
# shellcheck disable=SC2119	# no other packages
choose_tests
step "booting $UML_SMP with ${CPUS:-2} processors, logs in $boot"
run_smp_tests
report_counts "$smp_name" "$passed" "$failed" "$skipped"
