#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P10: the driver of a path may sleep when it is given a request (null_blk with
# memory behind it, as nbd and nvme-tcp), and is called where sleeping is not
# allowed.  Kernels with CONFIG_DEBUG_ATOMIC_SLEEP say so, and lockdep does.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

REPORTS="BUG: sleeping function called|WARNING: suspicious RCU usage"

reports() {
	kernel_log | grep -cE "$REPORTS"
}

looks_for_it() {
	grep -q ' __might_sleep$' /proc/kallsyms
}

can_mark_blocking ||
	skip_all "the series does not mend it on this kernel"
looks_for_it || bail_out "a kernel without CONFIG_DEBUG_ATOMIC_SLEEP"
expect_report "$REPORTS"
make_cached_nullb "${NAME}n0"
make_mpath "$NAME" "" "${NAME}n0"
must write_block A 1
must flush_dm
count=$(reports)
verdict "a write and a flush to a path whose driver may sleep: $count reports of sleeping in atomic context" \
	test "$count" -gt 0
