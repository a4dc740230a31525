#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench: what barriers cost and what they save, as ratios that each run gives
# again, on any machine, however busy:
#
#  - latency, fairness and ordered writing, in user-mode Linux with time travel,
#    where the processor is infinitely fast and only the device takes time
#    (bench/latency.sh, fairness.sh and ordered.sh);
#  - cost, in QEMU, which counts instructions (bench/dm-rq-cost.c, and dm-rq-fio.c
#    with fio, which repeats there as well);
#  - group commit, in QEMU with several processors, whose time is the number of
#    instructions (bench/dm-rq-scale.c).
#
# bench/report.py, beside these, holds the figures against their bars and keeps
# them in build/KERNEL/bench/, as CSV and as JSON; bench/plots.py draws them.
#
# bench.sh quick: the same with fewer seeds and fewer steps, for a first look.
# bench.sh build: only build what is needed.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=group.sh
. scripts/group.sh

BENCH=$KB/bench
programs=$TREE/$SELFTESTS/bench
results=$BENCH/results
# shellcheck source=bench-kernels.sh
. scripts/bench-kernels.sh
# shellcheck source=bench-programs.sh
. scripts/bench-programs.sh
# shellcheck source=bench-run.sh
. scripts/bench-run.sh

# how_much: how long, how often and with how many
how_much() {
	fairness_milliseconds=250
	latency_milliseconds=100
	ordered_milliseconds=100
	virtual_seeds="1 2 3"
	thinks="31 1 3 7 15 63"
	cost_seeds="1 2 3"
	cost_count=4000
	profile_count=16000
	scale_seeds=1
	scale_milliseconds=200
	scale_threads=1,2,4,8,16,32,64
	scale_queues=1,2,4,8
	profiles="back:fdatasync:stock back:fdatasync:flush
		through:fdatasync:stock through:fdatasync:flush
		null:write:stock null:write:none null:write:drain_flush"
	[[ $how == quick ]] || return 0
	virtual_seeds=1
	thinks=31
	cost_seeds=1
	scale_seeds=1
	scale_threads=16,64
	scale_queues=
	profiles="back:fdatasync:stock back:fdatasync:flush
		through:fdatasync:stock through:fdatasync:flush"
}

run_all() {
	local seed

	rm -rf "$results" "$BENCH/quick"
	mkdir -p "$results"
	[[ $how != quick ]] || : >"$BENCH/quick"
	for seed in $virtual_seeds; do
		step "latency, fairness and order in virtual time, seed $seed"
		in_virtual_time stock latency "$seed" "$latency_milliseconds"
		in_virtual_time series latency "$seed" "$latency_milliseconds"
		in_virtual_time series fairness "$seed" "$fairness_milliseconds"
		# shellcheck disable=SC2086 # words
		in_virtual_time stock ordered "$seed" "$ordered_milliseconds" \
			$thinks
		# shellcheck disable=SC2086
		in_virtual_time series ordered "$seed" "$ordered_milliseconds" \
			$thinks
	done
	for seed in $cost_seeds; do
		step "instructions, seed $seed"
		run_cost "cost-stock-$seed" stock stock "$seed"
		run_cost "cost-series-$seed" series none,flush,drain_flush \
			"$seed"
		run_fio stock stock "$seed"
		run_fio series none,flush,drain_flush "$seed"
	done
	repeat_fio
	run_scales
	run_profiles
}

how=${1:-}
how_much
take_lock
sub tree.sh
need_compiler
need_packages "the benchmark" qemu-system-x86 cpio dmsetup mount iproute2 \
	e2fsprogs fio liburing-dev python3-matplotlib
setup_ccache
mkdir -p "$BENCH"
build_kernels
build_programs
[[ $how != build ]] || exit 0
run_all
status=0
python3 "$programs/report.py" "$results" "$BENCH" >"$BENCH/report.log" ||
	status=$?
cat "$BENCH/report.log"
# the cover letter of the series has the figures, not where they are
grep '^  ' "$BENCH/report.log" >"$BENCH/report.txt" || :
"$programs/plots.py" "$BENCH"
said_verdict=1
exit "$status"
