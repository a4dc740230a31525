#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: run a command that must neither outlive its time nor its caller.
# A user mode kernel has many processes; as a session of their own they can be
# ended together, however it ends.

group=

kill_group() {
	[[ -z $group ]] || kill -KILL -- "-$group" 2>/dev/null || :
	group=
}
at_exit kill_group

# run_group SECONDS COMMAND...: the command's status, 124 if it took too long.
# The lock is not for the command: what is left of it must not hold it.
run_group() {
	local deadline=$((EPOCHSECONDS + $1)) pid status=0

	shift
	setsid setpriv --pdeathsig KILL "$@" 9>&- &
	pid=$!
	group=$pid
	while kill -0 "$pid" 2>/dev/null; do
		if ((EPOCHSECONDS >= deadline)); then
			kill_group
			wait "$pid" 2>/dev/null || :
			return 124
		fi
		sleep 0.1
	done
	wait "$pid" || status=$?
	kill_group
	return "$status"
}
