#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench: what barriers cost those who do not use them, as ratios that each
# run gives again, on any machine, however busy:
#
#  - fairness, in user-mode Linux with time travel, where the processor is
#    infinitely fast and only the device takes time (bench/fairness.sh);
#  - cost, in QEMU, which counts instructions (bench/dm-rq-cost.c).
#
# bench/report.py, beside these two, holds the figures against their bars and
# keeps them in build/KERNEL/bench/, as CSV and as JSON.

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

fairness_seeds="1 2 3"
fairness_milliseconds=250
cost_seeds="1 2 3 4 5"
cost_count=4000

build_programs() {
	local program

	for program in dm-rq-load dm-rq-cost; do
		gcc -O2 -Wall -static -pthread -I "$TREE/tools/include" \
			-o "$BENCH/$program" "$programs/$program.c" ||
			die "$program does not build"
	done
	mkdir -p "$BENCH/initrd"
	cp "$BENCH/dm-rq-cost" "$BENCH/initrd/init"
	(cd "$BENCH/initrd" && echo init | cpio --quiet -o -H newc) \
		>"$BENCH/initrd.cpio"
}

# run_fairness SEED: the same start of all clocks gives the same run.
run_fairness() {
	local dir=$BENCH/boot/fairness-$1 args=time-travel=inf-cpu status=0

	args+=" time-travel-start=1000000000000000000"
	UML=$BENCH/o-um/linux BOOT_DIR=$dir UML_ARGS=$args \
		scripts/boot-uml.sh 600 \
		"$programs/fairness.sh" "$BENCH/dm-rq-load" "$1" \
		"$fairness_milliseconds" || status=$?
	((status == 0)) || {
		tail -n 5 "$dir/output.log"
		die "no fairness figures with seed $1 (status $status)"
	}
	cp "$dir/output.log" "$results/fairness-$1.log"
}

# run_cost KERNEL MODES SEED: one instruction takes one nanosecond, and the time
# stamp counter counts nanoseconds.  Without string instructions that count as
# one, however long, without random numbers and the time of day from outside, and
# without the local APIC, whose calibration takes QEMU 20 s.
run_cost() {
	local log=$results/cost-$1-$3.log status=0
	local args="console=ttyS0 quiet panic=-1 nolapic null_blk.nr_devices=0"

	run_group 300 qemu-system-x86_64 -machine pc -m 512M -accel tcg \
		-icount shift=0,sleep=off -rtc base=2001-09-09,clock=vm \
		-cpu max,-erms,-fsrm,-rdrand,-rdseed -smp 1 \
		-nodefaults -display none -serial stdio -no-reboot \
		-kernel "$BENCH/o-$1/arch/x86/boot/bzImage" \
		-initrd "$BENCH/initrd.cpio" \
		-append "$args modes=$2 seed=$3 count=$cost_count" \
		</dev/null >"$log" 2>&1 || status=$?
	sed -i 's/\r$//' "$log"
	grep -qx 'cost done' "$log" || {
		tail -n 20 "$log" >&2
		die "the $1 kernel did not get to the end in QEMU" \
			"(status $status), see $log"
	}
}

run_all() {
	local seed

	rm -rf "$results"
	mkdir -p "$results"
	for seed in $fairness_seeds; do
		step "fairness in virtual time, seed $seed"
		run_fairness "$seed"
	done
	for seed in $cost_seeds; do
		step "instructions, seed $seed"
		run_cost stock stock "$seed"
		run_cost series none,flush,drain_flush "$seed"
	done
}

take_lock
sub tree.sh
need_compiler
need_packages "the benchmark" qemu-system-x86 cpio dmsetup mount iproute2
setup_ccache
mkdir -p "$BENCH"
build_kernels
build_programs
run_all
status=0
python3 "$programs/report.py" "$results" "$BENCH" >"$BENCH/report.log" ||
	status=$?
cat "$BENCH/report.log"
# the cover letter of the series has the figures, not where they are
grep '^  ' "$BENCH/report.log" >"$BENCH/report.txt" || :
said_verdict=1
exit "$status"
