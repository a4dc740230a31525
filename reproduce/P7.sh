#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# P7: as many flush commands are sent to a path at a time as the multipath device
# has hardware queues.
#
# Each processor flushes; the path lets no command end until all of them had their
# chance to be sent.
#
# processors: 4
# timeout: 180

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

QUEUES=4

commands_sent() {
	(($(issued "$A" FF) >= QUEUES))
}

hardware_queues() {
	find "/sys/block/$DM/mq" -mindepth 1 -maxdepth 1 -type d | wc -l
}

echo "$QUEUES" >/sys/module/dm_mod/parameters/dm_mq_nr_hw_queues ||
	bail_out "no dm_mq_nr_hw_queues"
make_loops 1 16
make_path "${NAME}_a" "${LOOP_PATHS[0]}"
A=$PATH_DISK
make_mpath "$NAME" "" "$A"
expect_num "hardware queues" "$(hardware_queues)" -eq "$QUEUES"
trace_start block:block_rq_issue
stop_path "${NAME}_a"
pids=()
for ((cpu = 0; cpu < QUEUES; cpu++)); do
	taskset -c "$cpu" sync "$DMDEV" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait_for 30 process_sleeps "$pid" || bail_out "a flush does not wait"
done
wait_for "$PATIENCE" commands_sent
at_a_time=$(issued "$A" FF)
go_on "${NAME}_a"
for pid in "${pids[@]}"; do
	expect_exit "a flush" "$pid" 0
done
trace_stop
verdict "$QUEUES hardware queues, a flush on each: $at_a_time commands at a time, $(issued "$A" FF) in all" \
	test "$at_a_time" -gt 1
