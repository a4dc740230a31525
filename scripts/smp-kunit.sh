#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# smp-kunit.sh [KERNEL ARGUMENTS]: runs the KUnit suites in the kernel for QEMU,
# which restarts when they are done, and says what went wrong; see also
# smp-kunit-judge.sh.
#
# Environment: BOOT_DIR, SANITIZER, MEM, CPUS: see boot-smp.sh

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=group.sh
. scripts/group.sh
# shellcheck source=reports.sh
. scripts/reports.sh
# shellcheck source=qemu.sh
. scripts/qemu.sh
# shellcheck source=smp-config.sh
. scripts/smp-config.sh
# shellcheck source=kcsan.sh
. scripts/kcsan.sh
# shellcheck source=smp-kunit-judge.sh
. scripts/smp-kunit-judge.sh

status=0
said_verdict=1 # the caller says it

serial_to "$console"
run_qemu 1200 "$SMP_KERNEL" "$(suites_arguments)" kunit_shutdown=reboot "$@" \
	>>"$console" 2>&1 || status=$?
judge_suites "$status" "${CPUS:-4}"
