#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: a Debian system in a directory, made from packages alone, with the
# kernel of $RELEASE, multipath-tools and what the tests call.  It is kept as a
# tarball, and unpacked anew for each use.

DEBIAN_DIR=$KB/debian-$RELEASE
ROOT_DIR=$DEBIAN_DIR/root
ROOT_TAR=$DEBIAN_DIR/root.tar
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# root_packages: what is in it besides the essential packages, one a line
root_packages() {
	{
		printf '%s\n' "linux-image-$RELEASE" "linux-headers-$RELEASE" \
			"$PACKAGE" dkms openssl mokutil patch xz-utils \
			initramfs-tools zstd systemd-sysv udev dbus kmod \
			multipath-tools multipath-tools-boot kpartx dmsetup \
			e2fsprogs fdisk iproute2 mount procps
		for test in "$TREE/$SELFTESTS"/*.sh; do
			header "$test" packages | tr ' ' '\n'
		done
	} | sort -u
}

# debian_sources: where this machine gets its own packages from
debian_sources() {
	# shellcheck disable=SC2016	# apt's variables, not ours
	apt-get indextargets "Created-By: Packages" "Origin: Debian" --format \
		"deb [signed-by=$KEYRING] \$(SITE) \$(RELEASE) \$(COMPONENT)" |
		sort -u
}

make_root_tar() {
	local wanted sources

	wanted=$(root_packages)
	sources=$(debian_sources)
	if [[ -f $ROOT_TAR && -f $ROOT_TAR.is &&
		$wanted == "$(cat "$ROOT_TAR.is")" ]]; then
		return
	fi
	[[ -n $sources ]] ||
		die "apt knows no package lists of Debian: apt-get update"
	need_space 5000 "the Debian system"
	step "making a Debian system of $(wc -l <<<"$wanted") packages and what" \
		"they need, log in $ROOT_TAR.log"
	rm -f "$ROOT_TAR.is"
	mmdebstrap --variant=minbase "--include=$(paste -sd , <<<"$wanted")" \
		"$(. /etc/os-release && echo "$VERSION_CODENAME")" \
		"$ROOT_TAR.new.tar" - <<<"$sources" >"$ROOT_TAR.log" 2>&1 || {
		tail -n 8 "$ROOT_TAR.log" >&2
		die "the Debian system could not be made, see $ROOT_TAR.log"
	}
	mv "$ROOT_TAR.new.tar" "$ROOT_TAR"
	echo "$wanted" >"$ROOT_TAR.is"
}

unpack_root() {
	need_space 4500 "the Debian system"
	umount_disk
	rm -rf --one-file-system "$ROOT_DIR"
	mkdir -p "$ROOT_DIR"
	tar -x -f "$ROOT_TAR" -C "$ROOT_DIR" ||
		die "$ROOT_TAR could not be unpacked (no space?)"
}

# What runs in there of ours
add_tests() {
	local into=$ROOT_DIR/opt/dm-rq-barrier

	mkdir -p "$into/scripts"
	cp -r "$TREE/$SELFTESTS" "$into/selftests"
	cp -r debian/tests "$into/tests"
	cp scripts/guest-init.sh scripts/smp-init.sh "$into/scripts/"
	cp "$1" "$into/"
	cp debian/tests/multipath.conf "$ROOT_DIR/etc/"
	echo debian >"$ROOT_DIR/etc/hostname"
	cp debian/tests/dm-rq-barrier-test.service \
		"$ROOT_DIR/etc/systemd/system/"
	ln -s ../dm-rq-barrier-test.service \
		"$ROOT_DIR/etc/systemd/system/multi-user.target.wants/"
}

# in_root COMMAND...: in namespaces of its own, without the host's devices
in_root() {
	# shellcheck disable=SC2016	# for the inner shell
	setsid -w unshare --mount --pid --fork --uts --net --ipc --kill-child \
		bash -c '
		set -e
		mount --make-rprivate /
		mount -t proc proc "$0/proc"
		mount -t tmpfs tmpfs "$0/tmp"
		mount -t tmpfs -o mode=755 tmpfs "$0/dev"
		for name in null zero full random urandom; do
			: >"$0/dev/$name"
			mount --bind "/dev/$name" "$0/dev/$name"
		done
		ln -s /proc/self/fd "$0/dev/fd"
		exec chroot "$0" /usr/bin/env -i HOME=/root \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' \
		"$ROOT_DIR" "$@" 9>&-
}

# make_disk: the directory as a disk, and kernel and initramfs beside it
make_disk() {
	take_kernel
	rm -f "$DEBIAN_DIR/disk.img"
	truncate -s 3G "$DEBIAN_DIR/disk.img"
	mkfs.ext4 -q -F -d "$ROOT_DIR" "$DEBIAN_DIR/disk.img" ||
		die "no disk could be made of $ROOT_DIR (no space?)"
	rm -rf --one-file-system "$ROOT_DIR"
}

# umount_disk, mount_disk: the disk at its directory again, between two boots
umount_disk() {
	! mountpoint -q "$ROOT_DIR" || umount "$ROOT_DIR"
}
at_exit umount_disk

mount_disk() {
	mkdir -p "$ROOT_DIR"
	mount -o loop "$DEBIAN_DIR/disk.img" "$ROOT_DIR" ||
		die "$DEBIAN_DIR/disk.img cannot be mounted (no loop devices?)"
}

# take_kernel: kernel and initramfs, for QEMU to load
take_kernel() {
	cp "$ROOT_DIR/boot/vmlinuz-$RELEASE" "$DEBIAN_DIR/vmlinuz"
	cp "$ROOT_DIR/boot/initrd.img-$RELEASE" "$DEBIAN_DIR/initrd"
}
