#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced, after lib.sh: a load of all kinds of writers for DMDEV.

# All kinds of writers, who read what they wrote, until a file exists
write_until() {
	local job="--size=1m --verify=crc32c --verify_fatal=1"

	until [[ -e $1 ]]; do
		# shellcheck disable=SC2086	# a list of words
		fio --thread --filename="$DMDEV" --bs=4k --direct=1 \
			--invalidate=0 --verify_state_save=0 --rw=randwrite \
			--output="$WORK/load" \
			--name=dsync $job --offset=0m --ioengine=libaio \
			--iodepth=4 --sync=dsync \
			--name=fdatasync $job --offset=1m --ioengine=psync \
			--fdatasync=2 \
			--name=write $job --offset=2m --ioengine=libaio \
			--iodepth=4 || return
	done
}
