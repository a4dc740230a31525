#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced, after lib.sh: what tests with file systems have in common.

need_programs fio mkfs.ext4 e2fsck mkfs.xfs xfs_repair

# run_fio [OPTIONS]: jobs that flush in all the ways that fio knows, in MNT.
# FIO_SIZE is what each of them writes.
run_fio() {
	fio --thread --directory="$MNT" --bs=4k --size="${FIO_SIZE:-1m}" \
		--verify=crc32c --verify_fatal=1 --output="$WORK/fio" "$@" \
		--name=fsync --ioengine=psync --rw=randwrite --fsync=4 \
		--name=fdatasync --ioengine=psync --rw=write --fdatasync=4 \
		--name=dsync --ioengine=libaio --iodepth=4 --direct=1 \
		--rw=randwrite --sync=dsync && return
	cat "$WORK/fio"
	return 1
}

# check_fs TYPE: is the unmounted file system in DMDEV consistent?
check_fs() {
	case $1 in
	ext4) e2fsck -f -n "$DMDEV" ;;
	xfs) xfs_repair -n "$DMDEV" ;;
	esac
}
