#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: find what the kernel complains about.  A test that provokes a
# complaint on purpose announces it by a line
#
#	# expect-kernel-report: REGEX
#
# and complaints that match the (extended) regular expression are forgiven.
#
# patches/KERNEL/reports.stock says what kernels of that line complain about
# without us: a line each with a regular expression for the complaint, a tab, and
# the function that has to be in the stack trace that follows it.

report_patterns='Oops|Kernel panic|BUG:|KASAN:|UBSAN:'
report_patterns+='|WARNING: (CPU:|at |[^ ]+:[0-9]+ at )'
report_patterns+='|WARNING: (possible |inconsistent lock state)'
report_patterns+='|WARNING: (suspicious RCU|bad unlock|held lock|lock held)'
report_patterns+='|WARNING: (Nested lock|[a-zA-Z/ -]*unsafe lock order)'
report_patterns+='|INFO: (trying to register non-static key|rcu.* stall)'
report_patterns+='|INFO: task .* blocked for more than'
report_patterns+='|sleeping function called|DEBUG_LOCKS_WARN_ON'
report_patterns+='|general protection'

stock_reports=patches/$KERNEL/reports.stock

# without_stock_reports LOG: the log, less the complaints of the stock kernel.  A
# complaint is kept back until its stack trace tells, or the next one begins.
without_stock_reports() {
	if [[ ! -f $stock_reports ]]; then
		cat "$1"
		return
	fi
	awk -F '\t' -v report="$report_patterns" '
		FNR == NR {
			if (!/^(#|$)/)
				caller[$1] = $2
			next
		}
		function let_go() {
			if (held != "")
				print held
			held = ""
		}
		$0 ~ report {
			let_go()
			for (text in caller)
				if ($0 ~ text) {
					held = $0
					culprit = "\\] " caller[text] "[+]"
					next
				}
		}
		held != "" && $0 ~ culprit { held = "" }
		{ print }
		END { let_go() }' "$stock_reports" "$1"
}

# kernel_reports LOG: the complaints in a console log, one a line.  What a
# script wrote stands there behind "> " and counts only if a kernel message,
# known by its time stamp, ended up in the same line.
kernel_reports() {
	local expected

	expected=$(sed -n 's/\r$//; s/.*# expect-kernel-report: //p' "$1")
	without_stock_reports "$1" | grep -aE "$report_patterns" |
		grep -av '# expect-kernel-report: ' |
		awk '!/^> / || /\[ *[0-9]+\.[0-9]+\]/' |
		if [[ -n $expected ]]; then
			grep -avE -e "$expected"
		else
			cat
		fi || :
}
