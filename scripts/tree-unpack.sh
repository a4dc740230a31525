#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by tree.sh: from the Debian package to an unpacked, untouched tree.
#
# build/KERNEL/tarball.id names the tarball that the tree came from.  It is
# written last and removed first, so an interrupted run unpacks anew.

# shellcheck source=later-suite.sh
. scripts/later-suite.sh

source_is=
checksum=

# tarball_checksum: cached by size and time, because it takes a second.
tarball_checksum() {
	local cache=$KB/tarball.sum key sum

	key=$(stat -Lc '%n %s %Y' "$TARBALL")
	if [[ -f $cache && $(head -n 1 "$cache") == "$key" ]]; then
		tail -n 1 "$cache"
		return
	fi
	sum=$(sha256sum "$TARBALL")
	printf '%s\n%s\n' "$key" "${sum%% *}" >"$cache.tmp"
	mv "$cache.tmp" "$cache"
	echo "${sum%% *}"
}

# get_tarball: it is at $TARBALL.
get_tarball() {
	[[ ! -f $TARBALL ]] || return 0
	if [[ -n ${SUITE:-} ]]; then
		fetch_later "$SUITE" "$PACKAGE"
		return
	fi
	need_packages "the kernel source" "$PACKAGE"
	[[ -f $TARBALL ]] ||
		die "$PACKAGE is installed but has no $TARBALL: apt-get install --reinstall $PACKAGE"
}

# tarball_version: of the package that it came from
tarball_version() {
	if [[ -n ${SUITE:-} ]]; then
		cat "${TARBALL%.tar.xz}.version"
	else
		dpkg-query -W -f '${Version}' "$PACKAGE"
	fi
}

# find_tarball: sets $checksum and $source_is, what the verdict calls it.
find_tarball() {
	local release

	get_tarball
	need_packages "unpacking and patching the kernel" xz-utils patch
	checksum=$(tarball_checksum)
	if [[ $checksum == "$SHA256" ]]; then
		source_is="$PACKAGE $VERSION"
		return
	fi
	release=$(tarball_version 2>/dev/null) || release="of unknown version"
	source_is="$PACKAGE $release"
	step "this is another point release than the recorded $VERSION:" \
		"$source_is; hooks are applied without fuzz, so a hook that" \
		"no longer fits stops here"
}

# unpack_tree: the tree takes 1.7 GB, the objects of all builds and the compiler
# cache half a gigabyte later.
unpack_tree() {
	if [[ -d $TREE && -f $KB/tarball.id &&
		$(cat "$KB/tarball.id") == "$checksum" ]]; then
		return
	fi
	rm -f "$KB/tarball.id"
	rm -rf "$KB/tree.tmp"
	need_space 3000 "unpacking and building the kernel"
	step "unpacking $TARBALL"
	mkdir "$KB/tree.tmp"
	# Times of now, not the package's: "changed since" must mean something
	# whatever the clock of the machine that made the package said.
	tar -x -f "$TARBALL" --touch --strip-components=1 -C "$KB/tree.tmp" ||
		die "$TARBALL could not be unpacked (no space, or a damaged file)"
	rm -rf "$TREE" "$KB/pristine" "$KB/manifest" "$KB/manifest.next" \
		"$KB/assembled"
	mv "$KB/tree.tmp" "$TREE"
	echo "$checksum" >"$KB/tarball.id.tmp"
	mv "$KB/tarball.id.tmp" "$KB/tarball.id"
}
