#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: several jobs at a time, one for each processor.

# start_job COMMAND...: in the background, as soon as a processor is free.
start_job() {
	while (($(jobs -rp | wc -l) >= $(nproc))); do
		wait -n || :
	done
	"$@" &
}

# They are told to end; what runs in a guest passes it on.
stop_jobs() {
	local pid

	for pid in $(jobs -p); do
		pkill -TERM -P "$pid" 2>/dev/null || :
	done
}
at_exit stop_jobs
