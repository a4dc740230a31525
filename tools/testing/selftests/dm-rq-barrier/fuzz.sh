#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Random bytes for every file and every message by which request-based
# device-mapper can be told something, while it is in use: by one writer, whose
# every result is known before, and by many at once.  Only documented errors
# come back, the mode is always one of those that there are and can be set, and
# the load notices nothing.
#
# TEST_SECONDS makes it longer.  SEED repeats what was printed.
#
# timeout: 900
# packages: fio python3
#
# shellcheck disable=SC2317	# cases are called by run_cases

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib-load.sh
. "$(dirname "$0")/lib-load.sh"

FUZZ=$PWD/fuzz.py
SEED=${SEED:-$RANDOM$RANDOM}
PARAMETERS=/sys/module/dm_mod/parameters

start_load() {
	rm -f "$WORK/stop"
	write_until "$WORK/stop" &
	LOAD=$!
}

end_load() {
	touch "$WORK/stop"
	expect_exit "the load" "$LOAD" 0
	[[ -z $CASE_FAILED ]] || msg "$(grep '^fio:' "$WORK/load" | head -n 20)"
}

# All is as usual.
works() {
	local mode

	for mode in none flush drain_flush; do
		must set_mode "$mode"
		expect_mode "after $mode" "$mode"
		set_default_mode "$mode"
		expect_is "default" "$(<"$RQ_ORDERED_DEFAULT")" "$mode"
	done
	mark
	must write_block A 1024
	must flush_dm
	expect_moved rounds=1 errors=0
	expect_is "held" "$(stat held)" 0
	expect_is "block 1024" "$(read_block 1024)" A
}

# fuzz WHAT: under load
fuzz() {
	start_load
	"$FUZZ" "$1" "$SEED" $((${TEST_SECONDS:-30} / ${#CASES[@]})) \
		"$DMNAME" "$DM" "${SCSI_PATHS[@]}" >"$WORK/fuzz" 2>&1 ||
		fail "it was wrong"
	msg "SEED=$SEED: $(tail -n 20 "$WORK/fuzz")"
	end_load
	works
}

# set_number NAME VALUE
set_number() {
	echo "$2" >"$PARAMETERS/$1" || fail "$1 does not take $2"
}

# Whatever they say, a device can be made with them.
odd_numbers() {
	local queues depth

	for queues in 0 1 33 4294967295; do
		for depth in 0 1 4294967295; do
			set_number dm_mq_nr_hw_queues "$queues"
			set_number dm_mq_queue_depth "$depth"
			make_mpath "${NAME}_new" "" "${SCSI_PATHS[@]}"
			works
			forget_dm "${NAME}_new"
			use_dm "$NAME"
		done
	done
}

need_programs fio python3
make_scsi_paths 2
set_default_mode drain_flush
for PARAMETER in dm_mq_nr_hw_queues dm_mq_queue_depth; do
	at_exit eval "echo $(<$PARAMETERS/$PARAMETER) >$PARAMETERS/$PARAMETER"
done
make_mpath "$NAME" queue_if_no_path "${SCSI_PATHS[@]}"

add_case "rq_ordered of a device" fuzz rq_ordered
add_case "the default mode" fuzz default
add_case "writers and readers of both at once" fuzz many
add_case "rq_barrier_stats" fuzz stats
add_case "numbers of queues and requests" fuzz numbers
add_case "devices with odd numbers" odd_numbers
add_case "messages" fuzz messages
run_cases
