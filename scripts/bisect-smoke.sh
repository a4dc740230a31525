#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run by bisect.sh in a guest, with whatever the kernel has of the series: a
# multipath device with two paths to one disk keeps what was written to it, and
# sends flushes on.  Nothing of the series' own files is used.  The disk is a loop
# device over memory: null_blk keeps data only where its driver may sleep, of which
# a kernel complains before the patch that mends that.

set -u
cases=0
bad=0
dm=

# result NAME STATUS
result() {
	cases=$((cases + 1))
	if (($2 == 0)); then
		echo "ok $cases - $1"
	else
		echo "not ok $cases - $1"
		bad=1
	fi
}

make_device() {
	local sectors a b

	truncate -s 64M "$TMPDIR/disk" || return
	a=$(losetup --show -f "$TMPDIR/disk") || return
	b=$(losetup --show -f "$TMPDIR/disk") || return
	sectors=$(blockdev --getsz "$a")
	dmsetup create smoke --table "0 $sectors multipath 1 queue_if_no_path 0 \
		1 1 round-robin 0 2 1 $a 1 $b 1" || return
	dm=/dev/$(dmsetup info -c --noheadings -o blkdevname smoke)
	paths=("$a" "$b")
}

# holds FILE: the device, read past the page cache
holds() {
	dd if="$dm" iflag=direct bs=1M count=8 status=none | cmp -s - "$1"
}

write_and_read() {
	dd if="$TMPDIR/data" of="$dm" oflag=direct bs=64k conv=fsync \
		status=none && holds "$TMPDIR/data"
}

# A loop device has a volatile cache: the flush is seen as what it is issued.
flush_is_sent() {
	local trace=/sys/kernel/tracing issue

	issue=$trace/events/block/block_rq_issue
	echo 1 >"$issue/enable" && write_and_read || return
	echo 0 >"$issue/enable"
	grep -q 'block_rq_issue: 7,[0-9]* FF ' $trace/trace
}

# Each of them waits for a flush after each block.
start_writers() {
	local i

	for i in 0 1 2 3; do
		dd if="$TMPDIR/more" of="$dm" oflag=direct,dsync bs=4k count=512 \
			skip=$((i * 512)) seek=$((i * 512)) conv=notrunc \
			status=none &
	done
}

disturb() {
	local kind

	for kind in --noflush --nolockfs --noflush; do
		dmsetup message smoke 0 "fail_path ${paths[0]}" &&
			dmsetup suspend "$kind" smoke &&
			dmsetup resume smoke &&
			dmsetup message smoke 0 "reinstate_path ${paths[0]}" ||
			return
	done
}

under_load() {
	local status=0 job

	start_writers
	disturb || status=1
	for job in $(jobs -p); do
		wait "$job" || status=1
	done
	((status == 0)) && holds "$TMPDIR/more"
}

file_system() {
	mkfs.ext4 -q -F "$dm" && mount "$dm" /mnt || return
	cp "$TMPDIR/data" /mnt/data && sync -f /mnt/data
	cmp "$TMPDIR/data" /mnt/data
	umount /mnt && fsck.ext4 -fn "$dm" >/dev/null 2>&1
}

head -c 8M /dev/urandom >"$TMPDIR/data"
head -c 8M /dev/urandom >"$TMPDIR/more"
echo 1..6
make_device
result "a multipath device" $?
write_and_read
result "what was written and flushed is there" $?
flush_is_sent
result "the flush is sent to a path" $?
under_load
result "also while paths fail and the device is suspended" $?
file_system
result "a file system" $?
dmsetup remove smoke
result "the device can be removed" $?
exit $bad
