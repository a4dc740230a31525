#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# boot-smp.sh TIMEOUT SCRIPT [ARGUMENTS]: as boot-uml.sh, in QEMU with several
# processors.
#
# Environment: SANITIZER  which kernel of make smp to boot (kasan)
#              IMAGE      another kernel than that
#              MEM, CPUS  memory of the guest and its processors (2G, 4)
#              SMP_ARGS   more kernel arguments
#              BOOT_DIR, STREAM and logs: see boot-uml.sh

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=group.sh
. scripts/group.sh
# shellcheck source=guest.sh
. scripts/guest.sh
# shellcheck source=qemu.sh
. scripts/qemu.sh
# shellcheck source=smp-config.sh
. scripts/smp-config.sh
# shellcheck source=kcsan.sh
[[ -n ${IMAGE:-} ]] || . scripts/kcsan.sh

said_verdict=1 # the caller says it
export TEST_CPUS=${CPUS:-4}
image=${IMAGE:-$SMP_KERNEL}

boot() {
	serial_to "$console"
	serial_to "$output"
	serial_to "$witness"
	share_root
	run_qemu "$limit" "$image" \
		"init=$ROOT/scripts/smp-init.sh" "guest_params=$dir/params" \
		loglevel=7 kunit.enable=0 "${SMP_ARGS:-}" >>"$console" 2>&1
}

[[ -f $image ]] || die "no kernel at $image: make smp"
run_guest "$@"
