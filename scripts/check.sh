#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check: all tests, the quick ones first.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=stage.sh
. scripts/stage.sh

take_lock
# What others need counts as one failure, not one for each that needs it.
step "=== tree"
if ! scripts/tree.sh; then
	report_counts check 0 1 0
fi
stage style scripts/style.sh
step "=== uml"
if scripts/uml.sh; then
	stage kunit scripts/kunit.sh
	stage selftest scripts/selftest.sh
else
	add_counts 0 1 0
fi
# Debian's own kernels that the package is for
if [[ -f patches/$KERNEL/series.module ]]; then
	stage modules scripts/modules.sh
else
	step "=== modules"
	echo "skipped: the package with the module is not for KERNEL=$KERNEL"
	add_counts 0 0 1
fi
step "everything ran"
report_counts check "$passed" "$failed" "$skipped"
