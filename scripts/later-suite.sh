#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by tree-unpack.sh: the kernel source from a later suite of Debian than
# the machine's, without the machine's apt hearing of that suite.
#
# apt works in build/apt, with package lists of its own and a source list that
# is the machine's own with another suite.  The package is not installed: its
# tarball is taken out of it.  Both stay until make clean, so the network is
# asked once.

later=$BUILD/apt
later_list=

# later_stanza FILE SUITE: of a file of stanzas, the first that is for more than
# security updates, with that suite.
later_stanza() {
	sed '/^#/d' "$1" | awk -v RS= -v suite="$2" '
		/(^|\n)Enabled: *no/ || /(^|\n)Suites:[^\n]*-security/ { next }
		/(^|\n)Types:[^\n]*deb( |\n|$)/ {
			sub(/Suites:[^\n]*(\n[ \t][^\n]*)*/, "Suites: " suite)
			print
			exit
		}'
}

# later_line FILE SUITE: the same of a file of lines, which are
# deb [options] URI suite components
later_line() {
	grep -v security "$1" |
		sed -n "s,^deb\( *\[.*\]\|\) \+\([a-z+]*://[^ ]*\) .*,deb\1 \2 $2 main,p" |
		sed -n 1p
}

# later_sources DIRECTORY SUITE: where apt finds that suite, if the machine's
# apt is configured in that directory.  The name of the file says how to read it.
later_sources() {
	later_list=$later/machine.sources
	if [[ -f $1/sources.list.d/debian.sources ]]; then
		later_stanza "$1/sources.list.d/debian.sources" "$2" >"$later_list"
		[[ ! -s $later_list ]] || return 0
	fi
	later_list=$later/machine.list
	if [[ -f $1/sources.list ]]; then
		later_line "$1/sources.list" "$2" >"$later_list"
		[[ ! -s $later_list ]] || return 0
	fi
	die "neither $1/sources.list.d/debian.sources nor $1/sources.list says" \
		"where this machine takes Debian from: $2 cannot be found"
}

# later_apt PROGRAM [ARGUMENTS]: apt-get or apt-cache.  No package is installed
# as far as it knows, and nothing is pinned.
later_apt() {
	"$1" -o "Dir::Etc::sourcelist=$later_list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o "Dir::State=$later/state" -o "Dir::State::lists=$later/lists" \
		-o "Dir::State::status=$later/status" -o "Dir::Cache=$later/cache" \
		-o APT::Sandbox::User=root -o APT::Update::Error-Mode=any \
		"${@:2}"
}

# later_failed WHAT WHY: ends, with what apt said last
later_failed() {
	tail -n 8 "$later/log" >&2
	die "$1 $2, see $later/log"
}

# update_later SUITE
update_later() {
	rm -rf "$later/lists" "$later/cache" "$later/state"
	mkdir -p "$later/lists/partial" "$later/state" \
		"$later/cache/archives/partial"
	: >"$later/status"
	later_sources /etc/apt "$1"
	later_apt apt-get update >"$later/log" 2>&1 ||
		later_failed "the package lists of Debian's $1" \
			"could not be fetched (no network?)"
}

# fetch_later SUITE PACKAGE: into build/apt, with its version beside it
fetch_later() {
	local deb=$later/$2.deb.d release

	command -v apt-get >/dev/null ||
		die "$2 comes from Debian's $1, and there is no apt-get"
	mkdir -p "$later"
	need_space 500 "fetching $2"
	step "looking for $2 in Debian's $1"
	update_later "$1"
	release=$(later_apt apt-cache show "$2" 2>>"$later/log" |
		sed -n 's/^Version: //p' | head -n 1) || :
	[[ -n $release ]] ||
		die "Debian's $1 has no $2 (any more): it may have moved on to" \
			"a later kernel, which needs hooks of its own"
	step "downloading $2 $release"
	rm -rf "$deb"
	mkdir "$deb"
	(cd "$deb" && later_apt apt-get download "$2") >>"$later/log" 2>&1 ||
		later_failed "$2" "could not be downloaded (no network, no space?)"
	dpkg-deb --fsys-tarfile "$deb"/*.deb 2>>"$later/log" |
		tar -x -O "./usr/src/$2.tar.xz" >"$later/$2.tar.tmp" \
			2>>"$later/log" ||
		later_failed "$2" "could not be taken apart (no space?)"
	echo "$release" >"$later/$2.version"
	mv "$later/$2.tar.tmp" "$later/$2.tar.xz"
	rm -rf "$deb"
}
