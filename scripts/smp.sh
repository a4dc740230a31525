#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make smp: real concurrency, with a kernel that looks for wrong locking and for
# wrong use of memory, and then with one that looks for data races.
#
# Environment: SANITIZER  only this one (kasan or kcsan)
#              and what smp-run.sh describes

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=stage.sh
. scripts/stage.sh

take_lock
for sanitizer in ${SANITIZER:-kasan kcsan}; do
	SANITIZER=$sanitizer stage "smp-$sanitizer" scripts/smp-run.sh
done
report_counts smp "$passed" "$failed" "$skipped"
