#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P9: who suspends the device looks again and again if requests are in flight, and
# so ends later than the last of them.
#
# What is told is who wakes it after the last request has ended: a timer, or the
# end of the request.  Milliseconds are only shown.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# wakeups PID: how often a timer woke it while the request was in flight, who did
# first after that ("timer" or "request"), and the milliseconds in between
wakeups() {
	trace_lines | awk -v pid="$1" -v end="block_rq_complete: $(numbers_of "$DM") W" '
	match($0, /[0-9]+\.[0-9]+: /) { now = substr($0, RSTART, RLENGTH - 2) }
	match($0, /\[[0-9]+\]/) { cpu = substr($0, RSTART, RLENGTH) }
	/timer_expire_entry: .*function=(process_timeout|hrtimer_wakeup) / {
		timer[cpu] = 1
	}
	/timer_expire_exit: / { timer[cpu] = 0 }
	index($0, end) { ended = now }
	/sched_waking: / && index($0, " pid=" pid " ") {
		if (ended) {
			printf "%d %s %.1f\n", count,
				timer[cpu] ? "timer" : "request",
				(now - ended) * 1000
			exit
		}
		count += timer[cpu]
	}'
}

timer_wakeups_of_others() {
	(($(trace_lines | grep -c 'hrtimer_expire_entry: .*=hrtimer_wakeup ') >= $1))
}

make_loops 1 16
make_path "${NAME}_a" "${LOOP_PATHS[0]}"
A=$PATH_DISK
make_mpath "$NAME" "" "$A"
stop_path "${NAME}_a"
write_block A 1 &
writer=$!
wait_for 30 in_flight "$A" || bail_out "no write in flight"
dmsetup suspend --noflush "$NAME" &
suspend=$!
wait_for 30 queue_stopped || bail_out "suspend does not stop the device"
trace_start timer:timer_expire_entry timer:timer_expire_exit \
	timer:hrtimer_expire_entry timer:hrtimer_expire_exit \
	sched:sched_waking block:block_rq_complete
wait_for 30 timer_wakeups_of_others 20 || bail_out "no timers in the trace"
process_ended "$suspend" && bail_out "suspend does not wait"
go_on "${NAME}_a"
expect_exit "suspend" "$suspend" 0
trace_stop
must dmsetup resume "$NAME"
expect_exit "the writer" "$writer" 0
read -r polls waker milliseconds < <(wakeups "$suspend") ||
	bail_out "nobody wakes the suspend"
verdict "woken by a timer $polls times in vain, after the last request by a $waker, $milliseconds ms later" \
	test "$waker" = timer
