#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: judge what the kernel for QEMU reports.  With KCSAN that kernel
# reports data races wherever they are, and most are not ours: one is if one of
# the two accesses is in a function of the files that the series adds or hooks.

# Objects whose functions are ours; what is inlined counts where it ended up.
our_functions() {
	nm "$SMP_DIR"/drivers/md/{dm,dm-rq,dm-rq-*}.o |
		awk '$2 ~ /^[tT]$/ { sub(/[.].*/, "", $3); print $3 }' | sort -u
}

# races LOG: "function / function", one a line, as often as it was reported
races() {
	sed -n 's/.*BUG: KCSAN: [a-z-]* in //p' "$1"
}

our_races() {
	races "$1" | grep -wF -f <(our_functions) || :
}

# guest_reports LOG: what counts as a failure of the guest
guest_reports() {
	kernel_reports "$1" | grep -v 'BUG: KCSAN:' || :
	our_races "$1" | sed 's/^/data race: /'
}
