#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: run a kernel in QEMU, by emulation: a thread of the host for each
# processor of the guest, so that they really run at the same time.  KVM is not
# used: it is absent on many hosts, and broken on some that seem to have it.
#
# Environment: MEM   memory of the guest (2G)
#              CPUS  its processors (4)

# The kernel has no ACPI; it finds processors that are sockets of their own.
qemu=(qemu-system-x86_64 -accel "tcg,thread=multi" -cpu max -machine pc
	-m "${MEM:-2G}" -smp "${CPUS:-4},sockets=${CPUS:-4},cores=1"
	-nodefaults -display none -no-reboot)
kernel_arguments=(console=ttyS0 panic=-1 tsc=reliable pmtmr=0x608)

# serial_to FILE: arguments for the next serial port; what is written is added.
serial_to() {
	local id=${1##*/}

	qemu+=(-chardev "file,id=$id,path=$1,append=on" -serial "chardev:$id")
}

# share_root: the host's root for the guest, which cannot write to it.
share_root() {
	qemu+=(-virtfs "local,path=/,mount_tag=hostroot,security_model=none,\
readonly=on,multidevs=remap")
	kernel_arguments+=(root=hostroot rootfstype=9p ro
		"rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=262144")
}

# run_qemu SECONDS KERNEL ARGUMENTS...: restarting ends it.
run_qemu() {
	kernel_arguments+=("${@:3}")
	run_group "$1" "${qemu[@]}" -kernel "$2" \
		-append "${kernel_arguments[*]}" </dev/null
}
