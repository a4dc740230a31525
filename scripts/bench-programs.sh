#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by bench.sh: the programs that measure, and what QEMU boots to.

# build_program NAME [SOURCE]...: static, as there is nothing in the guest.
build_program() {
	local sources=("${@/#/${programs:?}/}")

	gcc -O2 -Wall -static -pthread -I "$TREE/tools/include" \
		-o "$BENCH/$1" "${sources[@]/%/.c}" -luring ||
		die "$1 does not build"
}

# The same file system each time
build_ext4() {
	local id=01234567-89ab-cdef-0123-456789abcdef

	rm -f "$BENCH/ext4.img"
	PATH=$PATH:/usr/sbin E2FSPROGS_FAKE_TIME=1000000000 mke2fs -q -t ext4 -b 4096 -J size=4 -U $id \
		-E "hash_seed=$id,lazy_itable_init=0,lazy_journal_init=0" \
		"$BENCH/ext4.img" 32M >"$BENCH/ext4.log" 2>&1 ||
		die "mke2fs failed, see $BENCH/ext4.log"
}

# build_disk: the module of the disk that flushes once at a time
build_disk() {
	local dir=$BENCH/disk compat=$TREE/drivers/md/dm-rq-compat.h

	mkdir -p "$dir"
	cp "$programs/disk/Makefile" "$programs/disk/dm-rq-disk.c" "$dir"
	[[ -e $compat ]] || compat=
	make -C "/lib/modules/${RELEASE:?}/build" "M=$dir" "COMPAT=$compat" modules \
		>"$BENCH/disk.log" 2>&1 ||
		die "dm-rq-disk does not build, see $BENCH/disk.log"
	strip --strip-debug "$dir/dm-rq-disk.ko"
}

parameters_of() {
	case $1 in
	null_blk) echo nr_devices=0 ;;
	scsi_debug) echo "delay=0 fake_rw=1 dev_size_mb=64" ;;
	esac
}

# add_module FILE: into $dir, and its line into the list
add_module() {
	local name=${1##*/}

	name=${name%%.*}
	if [[ $1 == *.xz ]]; then
		xz -dc "$1" >"$dir/$name.ko"
	else
		cp "$1" "$dir/$name.ko"
	fi
	strip --strip-debug "$dir/$name.ko"
	echo "/$name.ko $(parameters_of "$name")" >>"$dir/modules"
}

# add_modules KERNEL MODULE...: with all that they need; dm-mod is that of KERNEL
add_modules() {
	local file ours=$KB/modules/$RELEASE/tree/drivers/md/dm-mod.ko

	modprobe -aS "$RELEASE" --show-depends "${@:2}" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r file; do
			[[ $1 != series || $file != */dm-mod.ko* ]] || file=$ours
			add_module "$file"
		done
}

# add_libraries PROGRAM: what it needs, where it looks for it
add_libraries() {
	ldd "$1" | grep -o '/[^ ]*' | while read -r file; do
		install -Ds "$file" "$dir$file"
	done
}

# pack_initrd NAME KERNEL MODULES FILE AS [FILE AS]...
pack_initrd() {
	local dir=$BENCH/initrd-$1-$2 modules file i

	rm -rf "$dir"
	mkdir -p "$dir"
	read -ra modules <<<"$3"
	add_modules "$2" "${modules[@]}"
	for ((i = 4; i < $#; i += 2)); do
		cp "${@:i:1}" "$dir/${*:i+1:1}"
	done
	[[ $1 != fio ]] || add_libraries "$dir/fio"
	(cd "$dir" && find . -mindepth 1 | sort | cpio --quiet -o -H newc) \
		>"$dir.cpio"
}

build_programs() {
	local kernel disks="null_blk scsi_debug sd_mod"
	local multipath="dm-multipath dm-round-robin"

	build_program dm-rq-load io
	build_program dm-rq-stream io
	build_program dm-rq-cost operations uring ext4 disks guest io
	build_program dm-rq-fio disks guest
	build_program dm-rq-scale guest
	build_ext4
	gcc -O2 -Wall -shared -fPIC -o "$BENCH/qemu-profile.so" \
		"$programs/qemu-profile.c" || die "qemu-profile does not build"
	build_disk
	for kernel in stock series; do
		pack_initrd cost "$kernel" \
			"$disks $multipath crc32c_generic ext4" \
			"$BENCH/dm-rq-cost" init \
			"$BENCH/ext4.img" ext4.img
		pack_initrd fio "$kernel" "$disks $multipath" \
			"$BENCH/dm-rq-fio" init \
			/usr/bin/fio fio
		pack_initrd scale "$kernel" "$multipath" \
			"$BENCH/dm-rq-scale" init \
			"$BENCH/dm-rq-load" dm-rq-load \
			"$BENCH/disk/dm-rq-disk.ko" dm-rq-disk.ko
	done
}
