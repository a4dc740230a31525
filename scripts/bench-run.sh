#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by bench.sh: one run each, whose figures are in $results then.

declare -A program_of=([latency]=dm-rq-load [fairness]=dm-rq-load
	[ordered]=dm-rq-stream)

# in_virtual_time KERNEL SCRIPT SEED MILLISECONDS [ARGUMENTS]: the same start of
# all clocks gives the same run.
in_virtual_time() {
	local dir=$BENCH/boot/$2-$1-$3 args=time-travel=inf-cpu status=0

	args+=" time-travel-start=1000000000000000000"
	UML=$BENCH/o-um-$1/linux BOOT_DIR=$dir UML_ARGS=$args \
		scripts/boot-uml.sh 600 "${programs:?}/$2.sh" \
		"$BENCH/${program_of[$2]}" "${@:3}" || status=$?
	((status == 0)) || {
		tail -n 5 "$dir/output.log"
		die "no figures of $2 with seed $3 (status $status)"
	}
	cp "$dir/output.log" "${results:?}/$2-$1-$3.log"
}

# run_counted NAME KIND KERNEL CPUS ARGUMENTS: one instruction takes one
# nanosecond, and the time stamp counter counts nanoseconds.  Without string
# instructions that count as one, however long, and without random numbers and the
# time of day from outside.
run_counted() {
	local log=$results/$1.log status=0
	local args="console=ttyS0 quiet panic=-1 tsc=reliable"

	# the code itself, at known addresses, without what gets round
	# faults of processors
	args+=" acpi=off nokaslr mitigations=off"

	run_group 1800 qemu-system-x86_64 -machine pc -m 512M \
		-accel tcg,thread=single -icount shift=0,sleep=off \
		-rtc base=2001-09-09,clock=vm \
		-cpu max,-erms,-fsrm,-rdrand,-rdseed,-monitor \
		-smp "$4,sockets=$4,cores=1" \
		-nodefaults -display none -serial stdio -no-reboot \
		-kernel "/boot/vmlinuz-${RELEASE:?}" \
		-initrd "$BENCH/initrd-$2-$3.cpio" "${qemu_more[@]}" \
		-append "$args $5" </dev/null >"$log" 2>&1 || status=$?
	sed -i 's/\r$//' "$log"
	grep -qx "$2 done" "$log" || {
		tail -n 20 "$log" >&2
		die "the $3 kernel did not get to the end in QEMU" \
			"(status $status), see $log"
	}
}

# run_cost NAME KERNEL MODES SEED [COUNT [ARGUMENTS]]: without the local APIC,
# whose calibration takes QEMU 20 s.
run_cost() {
	run_counted "$1" cost "$2" 1 "nolapic \
modes=$3 seed=$4 count=${5:-${cost_count:?}} ${6:-}"
}

# run_fio KERNEL MODES SEED [NAME]
run_fio() {
	run_counted "${4:-fio}-$1-$3" fio "$1" 1 "nolapic \
modes=$2 seed=$3 count=${cost_count:?}"
}

# The same seed again: fio has to say the same, or else its figures say little.
repeat_fio() {
	local seed

	read -r seed _ <<<"${cost_seeds:?}"
	step "fio again, seed $seed"
	run_fio stock stock "$seed" again
}

# run_scale KERNEL CPUS QUEUES THREADS: QEMU emulates one processor after the
# other, so that all share the speed of one.  A flush that takes long makes the
# disk the bottleneck all the same.
run_scale() {
	local setups=raw,bio,stock

	[[ $1 == stock ]] || setups=none,flush,drain_flush
	run_counted "scale-$1-$2" scale "$1" "$2" "setups=$setups queues=$3 \
threads=$4 seeds=${scale_seeds:?} milliseconds=${scale_milliseconds:?} \
io_ns=100000 flush_ns=2000000"
}

run_scales() {
	local kernel

	for kernel in stock series; do
		step "threads that write and flush, kernel $kernel"
		run_scale "$kernel" 4 4 "${scale_threads:?}"
		[[ -z ${scale_queues:-} ]] || {
			step "hardware queues, kernel $kernel"
			run_scale "$kernel" 8 "$scale_queues" 16
		}
	done
}

# more arguments of QEMU
qemu_more=()

# run_profile KERNEL SETUP DISK OPERATION: where the instructions go, in two runs
# whose difference is what that many operations take.
run_profile() {
	local name count modes=none,flush,drain_flush

	[[ $1 == series ]] || modes=stock
	for count in "${profile_count:?}" $((2 * profile_count)); do
		name=profile-$1-$2-$3-$4-$count
		qemu_more=(-plugin
			"$BENCH/qemu-profile.so,out=$results/$name.blocks")
		run_cost "$name" "$1" "$modes" 1 "$count" \
			"disk=$3 operation=$4 setup=$2"
	done
	qemu_more=()
}

# of operations, each with the modes that have a bar for it
run_profiles() {
	local profile disk operation mode

	run_cost symbols-stock stock stock 1 1 "disk=none symbols=1"
	run_cost symbols-series series none 1 1 "disk=none symbols=1"
	for profile in ${profiles:?}; do
		IFS=: read -r disk operation mode <<<"$profile"
		step "where instructions go: $operation on disk $disk, $mode"
		if [[ $mode == stock ]]; then
			run_profile stock stock "$disk" "$operation"
		else
			run_profile series "$mode" "$disk" "$operation"
		fi
	done
}
