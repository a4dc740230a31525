#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by process 1 of a guest: makes a usable system out of the host's root,
# which is mounted read-only, and runs one script.
#
# guest_params=FILE on the kernel command line names a shell fragment with
#   guest_command   array: the script and its arguments
#   guest_keep      array: directories that no tmpfs may hide
# and variables to export.  The script writes to the terminal guest_output, and
# with "> " before each line to the console, among the kernel's messages.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export DM_DISABLE_UDEV=1

mount -t proc proc /proc
guest_command=()
guest_keep=()
# shellcheck source=/dev/null
. "${guest_params:?}"

# hides DIR: would a mount there hide something that the script needs?
hides() {
	local kept

	for kept in "${guest_keep[@]}"; do
		[[ $kept/ != "$1"/* ]] || return 0
	done
	return 1
}

mount_kernel_filesystems() {
	mount -t sysfs sysfs /sys
	mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
	ln -sfn /proc/self/fd /dev/fd
	ln -sfn /proc/self/fd/0 /dev/stdin
	ln -sfn /proc/self/fd/1 /dev/stdout
	ln -sfn /proc/self/fd/2 /dev/stderr
	mkdir -p /dev/shm /dev/pts
	mount -t tmpfs tmpfs /dev/shm
	mount -t devpts devpts /dev/pts 2>/dev/null
	mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
	mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
	mount -t configfs configfs /sys/kernel/config 2>/dev/null
}

# Writable directories, where they hide nothing; the first one is for scratch.
mount_scratch() {
	local dir

	for dir in /tmp /run /var/tmp /mnt /root; do
		[[ -d $dir ]] || continue
		hides "$dir" && continue
		mount -t tmpfs tmpfs "$dir" || continue
		[[ -n ${TMPDIR:-} ]] || TMPDIR=$dir/scratch
	done
	[[ -n ${TMPDIR:-} ]] || TMPDIR=/dev/shm/scratch
	mkdir -p "$TMPDIR"
	mountpoint -q /run && mkdir -p /run/lock
	export TMPDIR HOME=$TMPDIR
}

to_consoles() {
	local line

	while IFS= read -r line || [[ -n $line ]]; do
		printf '%s\n' "$line" >"${guest_output:?}"
		printf '> %s\n' "$line"
	done
}

run_script() {
	local pipe=$TMPDIR/.output reader status try

	mkfifo "$pipe"
	to_consoles <"$pipe" &
	reader=$!
	cd "${guest_command[0]%/*}" || exit
	"${guest_command[@]}" </dev/null >"$pipe" 2>&1
	status=$?
	# a process left behind holds the pipe open: do not wait for it long
	for try in {1..20}; do
		kill -0 $reader 2>/dev/null || break
		[[ $try == 20 ]] || sleep 0.05
	done
	echo "dm-rq-barrier-exit: $status"
}

unset TMPDIR
mount_kernel_filesystems
mount_scratch
ip link set lo up 2>/dev/null
echo 8 >/proc/sys/kernel/printk
run_script
