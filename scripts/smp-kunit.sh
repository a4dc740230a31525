#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# smp-kunit.sh [KERNEL ARGUMENTS]: runs the KUnit suites in the kernel for QEMU,
# which restarts when they are done, and says what went wrong.  How many passed,
# failed and were skipped goes to the file counts in BOOT_DIR.
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
# shellcheck source=kunit-log.sh
. scripts/kunit-log.sh

console=$BOOT_DIR/console.log
log=$BOOT_DIR/kunit.log # what kunit.py says of it
status=0

serial_to "$console"
run_qemu 1200 "$SMP_KERNEL" loglevel=7 "kunit.filter_glob=dm-rq-*" \
	kunit.enable=1 kunit_shutdown=reboot "$@" >>"$console" 2>&1 || status=$?
sed -i 's/\r$//' "$console"
"$TREE/tools/testing/kunit/kunit.py" parse "$console" >"$log" 2>&1 || :
failed=$(kunit_failed "$log")
if ((failed > 0)); then
	show_kunit_failures "$log"
fi
if ((status != 0)); then
	tail -n 20 "$console"
	echo "QEMU ended with status $status, see $console"
	failed=$((failed + 1))
fi
reports=$(guest_reports "$console")
if [[ -n $reports ]]; then
	head -n 20 <<<"$reports"
	echo "the kernel complained, see $console"
	failed=$((failed + 1))
fi
passed=$(kunit_count "$log" passed)
if ((passed == 0)); then
	echo "nothing passed, see $log"
	failed=$((failed + 1))
fi
said_verdict=1
echo "$passed $failed $(kunit_count "$log" skipped)" >"$BOOT_DIR/counts"
((failed == 0))
