#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# smp-uml-kunit.sh [KERNEL ARGUMENTS]: as smp-kunit.sh, in user mode Linux with
# several processors, which switches itself off when they are done.
#
# Environment: BOOT_DIR, MEM (768M), CPUS (2)

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=group.sh
. scripts/group.sh
# shellcheck source=memory.sh
. scripts/memory.sh
# shellcheck source=reports.sh
. scripts/reports.sh
# shellcheck source=uml-smp.sh
. scripts/uml-smp.sh
# shellcheck source=smp-kunit-judge.sh
. scripts/smp-kunit-judge.sh

mem=${MEM:-768M}
status=0
said_verdict=1 # the caller says it

guest_reports() {
	kernel_reports "$1"
}

read -ra arguments <<<"$(uml_smp_arguments) $(suites_arguments)"
TMPDIR=$(memory_dir "$mem" "$BOOT_DIR") run_group 1200 "$UML_SMP" "mem=$mem" \
	"uml_dir=$BOOT_DIR/" umid=guest con=null con0=null,fd:1 console=tty0 \
	"${arguments[@]}" kunit_shutdown=poweroff "$@" \
	</dev/null >"$console" 2>&1 || status=$?
rm -rf "$BOOT_DIR/guest"
judge_suites "$status" "${CPUS:-2}"
