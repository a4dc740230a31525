#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make model: have spin check the Promela model of the ordered sequencer.  Each
# configuration has to pass, and each mutation to fail in the way that it should,
# or the model would not notice a mistake of that kind.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=jobs.sh
. scripts/jobs.sh
# shellcheck source=counts.sh
. scripts/counts.sh

model=$ROOT/tools/verification/dm-rq-barrier/ordered.pml
dir=$BUILD/model

# Megabytes that one search may take.
memory=2500

# NAME|MACROS: what is searched for broken rules, and for states where nothing
# goes on though requests have not ended.
configurations=(
	"two writers, failures|WRITES=2 FAILURES=1 REQUEUES=1 ERRORS=1"
	"two writers, two flushes|WRITES=2 OPS=2"
	"barrier writes|WRITES=1 OPS=2 OP1=BARRIER_WRITE FAILURES=1 REQUEUES=1"
	"flushes in the way|WRITES=1 OPS=4"
	"flushes pending for long|WRITES=1 OPS=3 TIMEOUTS=2"
	"FUA|WRITES=1 OPS=2 OP1=FUA"
	"FUA, flushes pending for long|WRITES=0 OPS=3 OP1=FUA TIMEOUTS=1"
	"two queues|WRITES=1 OPS=2 OP1=BARRIER_WRITE QUEUES=2 QUEUE1=1 ERRORS=1"
	"two queues, FUA, failures|WRITES=0 OPS=3 OP1=BARRIER_WRITE OP2=FUA QUEUES=2 QUEUE1=1 REQUEUES=1 ERRORS=1"
	"noflush suspend|WRITES=2 SUSPEND=NOFLUSH"
	"noflush suspend, failures|WRITES=1 OPS=2 SUSPEND=NOFLUSH FAILURES=1 REQUEUES=1"
	"noflush suspend, FUA|WRITES=0 OPS=2 OP1=FUA SUSPEND=NOFLUSH FAILURES=1"
	"plain suspend|WRITES=1 OPS=2 SUSPEND=PLAIN"
	"plain suspend, FUA|WRITES=0 OPS=2 OP1=FUA SUSPEND=PLAIN ERRORS=1"
	"plain suspend, two queues|WRITES=0 OPS=3 OP1=BARRIER_WRITE QUEUES=2 QUEUE1=1 SUSPEND=PLAIN"
	"elevator|WRITES=2 ELEVATOR FAILURES=1"
	"elevator, FUA|WRITES=1 OPS=2 OP1=FUA ELEVATOR"
	"elevator, noflush suspend|WRITES=1 OPS=2 ELEVATOR SUSPEND=NOFLUSH"
	"mode switched|WRITES=1 MODE FAILURES=1"
	"mode switched, two flushes|WRITES=1 OPS=2 MODE"
)

# The same for what goes on for ever, which takes longer.
endless=(
	"two writers|WRITES=2"
	"flushes in the way|WRITES=0 OPS=4"
	"FUA, flushes pending for long|WRITES=0 OPS=3 OP1=FUA TIMEOUTS=1"
	"noflush suspend|WRITES=1 SUSPEND=NOFLUSH FAILURES=1"
	"plain suspend|WRITES=0 OPS=2 OP1=FUA SUSPEND=PLAIN"
	"elevator|WRITES=1 OPS=2 ELEVATOR"
	"mode switched|WRITES=1 MODE"
)

# MUTATION|HOW IT FAILS|MACROS
mutations=(
	"NO_BARRIER_ADMIT|G1|WRITES=2"
	"NO_BARRIER_DRAIN|stuck|WRITES=2"
	"NO_BARRIER_END|stuck|WRITES=2"
	"UNCOUNT_ELSEWHERE|G1|WRITES=2"
	"UNCOUNT_EARLY|G1|WRITES=2"
	"NO_RECHECK|stuck|WRITES=2"
	"NO_END_KICK|stuck|WRITES=2"
	"GATE_ONCE|stuck|WRITES=2"
	"HOLD_REQUEUED|stuck|WRITES=2 FAILURES=1"
	"GAP_BEFORE|G2|WRITES=2"
	"GAP_AFTER|G2|WRITES=2"
	"NO_REQUEUE_KICK|stuck|WRITES=2"
	"ANY_ORDER|ORDER|WRITES=2"
	"LET_ALL_GO|G2|WRITES=1 OPS=2"
	"FLUSH_FIRST|G1|WRITES=1 OPS=2"
	"ONE_ROUND|G1|WRITES=1 OPS=2"
	"AWAIT_POST_FLUSH|stuck|WRITES=0 OPS=4"
	"AWAIT_POST_FLUSH|stuck|WRITES=0 OPS=2 OP1=FUA"
	"AWAIT_POST_FLUSH|stuck|WRITES=0 OPS=2 TIMEOUTS=1"
	"NO_OWED_KICK|stuck|WRITES=0 OPS=2 OP1=FUA"
	"HOLD_FUA|stuck|WRITES=0 OPS=2 OP1=FUA"
	"NO_JOIN_HELD|stuck|WRITES=0 OPS=2 OP1=FUA"
	"JOIN_ISSUED|G5|WRITES=0 OPS=2 OP1=FUA SUSPEND=PLAIN"
	"NO_FINISH|G5|WRITES=1 SUSPEND=PLAIN"
	"NO_WAKE|stuck|WRITES=1 SUSPEND=PLAIN"
	"NO_QUIESCE|G5|WRITES=1 SUSPEND=NOFLUSH"
	"ADVANCE_SUSPENDED|G5|WRITES=1 SUSPEND=NOFLUSH"
	"NO_RESUME_KICK|stuck|WRITES=1 SUSPEND=NOFLUSH"
	"SWITCH_RUNNING|G1|WRITES=1 MODE"
	"NO_UNCOUNTED|G1|WRITES=1 MODE"
)

# build_pan OPTION MACROS: pan, spin's searcher, in the current directory.
build_pan() {
	local -a macros

	read -ra macros <<<"$2"
	cp "$model" model.pml
	spin -a "${macros[@]/#/-D}" model.pml >build.log 2>&1 &&
		gcc -O2 -w "$1" -DCOLLAPSE -DNOFAIR "-DMEMLIM=$memory" \
			-o pan pan.c >>build.log 2>&1
}

# outcome_of LOG: what pan says about the search.  Assertions begin with the name
# of the rule that they are about.
outcome_of() {
	local error

	error=$(sed -n 's/^pan:[0-9]*: //p' "$1" | head -n 1)
	case $error in
	"invalid end state"*) echo "stuck" ;;
	"non-progress cycle"*) echo "endless" ;;
	"assertion violated "*)
		error=${error#"assertion violated "}
		error=${error#"${error%%[!(]*}"}
		echo "${error%%||*}" ;;
	?*) echo "$error" ;;
	*)
		if grep -q 'errors: 0$' "$1" &&
			! grep -qE 'not completed|too small' "$1"; then
			echo "passed"
		else
			echo "not completed"
		fi ;;
	esac
}

# search DIRECTORY KIND MACROS: leaves there what came of it.
search() {
	local option=-DSAFETY flags=(-m1000000) begin=$EPOCHSECONDS

	if [[ $2 == endless ]]; then
		option=-DNP
		flags+=(-l)
	fi
	mkdir -p "$1"
	cd "$1"
	if ! build_pan "$option" "$3"; then
		echo "does not build" >outcome
		return
	fi
	./pan "${flags[@]}" >pan.log 2>&1 || :
	outcome_of pan.log >outcome
	echo $((EPOCHSECONDS - begin)) >seconds
}

# start NAME KIND MACROS
start() {
	start_job search "$dir/$1" "$2" "$3"
}

# story DIRECTORY MACROS: the run that leads to the error, as the model tells it.
story() {
	local -a macros

	read -ra macros <<<"$2"
	[[ -f $1/model.pml.trail ]] || return 0
	(cd "$1" && spin -t -T "${macros[@]/#/-D}" model.pml) 2>&1 |
		grep -E '^ *(request|flush|round|suspended|resume|the )' | tail -n 60
}

# judge NAME EXPECTED WHAT MACROS: one line, and what it means for the sums.
judge() {
	local outcome states seconds

	outcome=$(<"$dir/$1/outcome")
	states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' \
		"$dir/$1/pan.log" 2>/dev/null)
	seconds=$(cat "$dir/$1/seconds" 2>/dev/null) || :
	if [[ $outcome == "$2" ]]; then
		echo "ok - $3: $outcome, ${states:-0} states, ${seconds:-0} s"
		add_counts 1 0 0
		rm -f "$dir/$1/pan" "$dir/$1"/pan.?
		return
	fi
	echo "not ok - $3: $outcome, expected: $2, see $dir/$1"
	story "$dir/$1" "$4" | sed 's/^ */    /'
	add_counts 0 1 0
}

# each TABLE FUNCTION: call it for each row with a name for a directory.
each() {
	local -n rows=$1
	local row fields number=0

	for row in "${rows[@]}"; do
		IFS='|' read -ra fields <<<"$row"
		number=$((number + 1))
		"$2" "$1-$number" "${fields[@]}"
	done
}

start_configuration() { start "$1" safety "$3"; }
start_endless() { start "$1" endless "$3"; }
start_mutation() { start "$1" safety "MUT_$2 $4"; }
judge_configuration() { judge "$1" passed "$2" "$3"; }
judge_endless() { judge "$1" passed "$2: it ends" "$3"; }
judge_mutation() { judge "$1" "$3" "MUT_$2 is noticed ($4)" "MUT_$2 $4"; }

take_lock
need_packages "the model" spin gcc libc6-dev
need_space 500 "the model"
rm -rf "$dir"
mkdir -p "$dir"
step "searching ${#configurations[@]} configurations"
each configurations start_configuration
wait
each configurations judge_configuration
step "looking for runs without an end in ${#endless[@]} of them"
each endless start_endless
wait
each endless judge_endless
step "breaking the model in ${#mutations[@]} ways"
each mutations start_mutation
wait
each mutations judge_mutation
step "done"
report_counts model "$passed" "$failed" "$skipped"
