#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: Debian packages a step needs are installed when they are missing,
# and a machine that has them all is never asked for anything.

package_installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# as_root COMMAND...: as it is, through sudo, or not at all (status 126).
as_root() {
	if ((EUID == 0)); then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		return 126
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "$@"
}

# need_packages PURPOSE PACKAGE...
need_packages() {
	local purpose=$1 package missing=() log=$BUILD/apt.log

	shift
	for package in $(printf '%s\n' "$@" | sort -u); do
		package_installed "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0

	command -v apt-get >/dev/null ||
		die "$purpose needs the Debian packages ${missing[*]}, and there is no apt-get"
	if ((EUID != 0)) && ! command -v sudo >/dev/null; then
		die "$purpose needs the packages ${missing[*]}; as root: apt-get install ${missing[*]}"
	fi

	step "installing ${missing[*]} for $purpose"
	apt_install "${missing[@]}" >"$log" 2>&1 && return 0
	# An unknown or outdated package: the lists may be old, or absent.
	step "not there at the first try, updating the package lists"
	as_root apt-get update >>"$log" 2>&1 || :
	apt_install "${missing[@]}" >>"$log" 2>&1 && return 0

	tail -n 8 "$log" >&2
	die "$purpose needs the packages ${missing[*]}, and apt-get failed to" \
		"install them (no network? see $log)"
}
