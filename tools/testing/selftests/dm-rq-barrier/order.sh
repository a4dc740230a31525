#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Order in mode drain_flush, judged from a trace of the block layer by a program
# that does not know how the order is made: with each scheduler, one and two
# paths, few tags and many, one hardware queue and four, under a load of
# writers, readers, flushes, FUA writes and a journal.  The same load in modes
# that promise less is out of order, or the judge is blind.
#
# timeout: 480
# smp-timeout: 1800
# mem: 1G
# packages: fio e2fsprogs python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-order.sh
. "$(dirname "$0")/lib-order.sh"

HW_QUEUES=4
DEVICE=

checker_works() {
	must "$ORDER_CHECK" --self-test
}

# use_device DEPTH HW_QUEUES PATH...: make it, unless it is there.
use_device() {
	[[ $DEVICE != "$*" ]] || return 0
	forget_device
	set_dm_parameter dm_mq_queue_depth "$1"
	set_dm_parameter dm_mq_nr_hw_queues "$2"
	make_ordered "" "${@:3}"
	DEVICE="$*"
}

forget_device() {
	[[ -z $DEVICE ]] || forget_ordered
	DEVICE=
}

hardware_queues() {
	find "/sys/block/$DM/mq" -mindepth 1 -maxdepth 1 -type d | wc -l
}

# in_order SCHEDULER DEPTH HW_QUEUES PATH...
in_order() {
	use_device "${@:2}" || return
	if (($(hardware_queues) != $3)); then
		skip_case "dm has $(hardware_queues) hardware queues on $(nproc) CPUs"
		return
	fi
	set_elevator "$1"
	expect_order idle
}

# With a single tag nothing else is issued while a flush has it.
in_order_one_tag() {
	local WANTED=(barriers writes)

	in_order "$@"
}

# Without a command to wait for, a flush takes no time.
in_order_without_cache() {
	local WANTED=(barriers writes)

	in_order "$@"
	expect_is "flush commands" "${TOTAL[commands]}" 0
}

# Nothing but the mode differs.
out_of_order() {
	use_device "${@:2}" || return
	must set_mode "$1"
	expect_disorder G1 G2
	must set_mode drain_flush
}

all_schedulers() {
	local scheduler

	for scheduler in none mq-deadline kyber bfq; do
		add_case "$scheduler, $2" "$1" "$scheduler" "${@:3}"
	done
}

set_default_mode drain_flush
make_slow_nullb "${NAME}n0"
ONE=("${NAME}n0")
make_slow_nullb "${NAME}n1"
make_loops_on "${NAME}n1" 2
TWO=("${LOOP_PATHS[@]}")
make_slow_nullb "${NAME}n2" hw_queue_depth=2
BUSY=("${NAME}n2")
make_slow_nullb "${NAME}n3" cache_size=0
CACHELESS=("${NAME}n3")

add_case "the judge's own test" checker_works
add_case "mode none is out of order" out_of_order none 0 1 "${ONE[@]}"
add_case "mode flush is out of order" out_of_order flush 0 1 "${ONE[@]}"
all_schedulers in_order "one path" 0 1 "${ONE[@]}"
all_schedulers in_order_one_tag "one path, one tag" 1 1 "${ONE[@]}"
all_schedulers in_order "two paths, two tags" 2 1 "${TWO[@]}"
all_schedulers in_order "two paths, $HW_QUEUES hardware queues" \
	0 "$HW_QUEUES" "${TWO[@]}"
all_schedulers in_order_one_tag "$HW_QUEUES hardware queues with one tag each" \
	1 "$HW_QUEUES" "${ONE[@]}"
add_case "a path with fewer tags than the device" in_order none 0 1 "${BUSY[@]}"
add_case "a path without a cache" \
	in_order_without_cache none 0 1 "${CACHELESS[@]}"
add_case "the device can be removed" forget_device
run_cases
