#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# boot-debian.sh TIMEOUT SCRIPT: boot Debian's own kernel from the disk that
# demo-debian.sh or selftest-debian.sh has made, and run a script of debian/tests
# in it.  The guest's changes to its disk stay.
#
# Environment: DEBIAN_DIR  where kernel, initramfs and disk are
#              DEBIAN_ARGS more kernel arguments
#              MEM, CPUS   memory of the guest and its processors (2G, 2)
#              BOOT_DIR, STREAM and logs: see boot-uml.sh

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=group.sh
. scripts/group.sh
# shellcheck source=guest.sh
. scripts/guest.sh
CPUS=${CPUS:-2}
# shellcheck source=qemu.sh
. scripts/qemu.sh

said_verdict=1 # the caller says it

# The hosts of scsi_debug have to be the first: it derives what ALUA says of a
# path from the host's number, and the third one would be on standby.
boot() {
	serial_to "$console"
	serial_to "$output"
	qemu+=(-initrd "$DEBIAN_DIR/initrd" -drive
		"file=$DEBIAN_DIR/disk.img,format=raw,if=virtio,cache=unsafe")
	run_qemu "$limit" "$DEBIAN_DIR/vmlinuz" root=/dev/vda rw \
		modprobe.blacklist=ata_piix systemd.show_status=0 \
		"dm_rq_test=$name" "${DEBIAN_ARGS:-}" >>"$console" 2>&1
}

run_guest "$@"
