#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: which kernel of Debian to build a module for.  Its headers have to be
# of the same version as the kernel source, so the newest of that version is the
# one that apt offers, unless the user names another.

# offered_headers: packages with headers of this line, as apt knows them, the
# newest first
offered_headers() {
	apt-cache search --names-only \
		"^linux-headers-${KERNEL//./[.]}[.][0-9+a-z]+-$(dpkg --print-architecture)\$" |
		cut -d ' ' -f 1 | sort -rV
}

# candidate PACKAGE: the version that apt would install
candidate() {
	apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }'
}

# fitting_headers VERSION: the newest of that version, or nothing
fitting_headers() {
	local headers

	for headers in $(offered_headers); do
		[[ $(candidate "$headers") != "$1" ]] || {
			echo "$headers"
			return
		}
	done
}

# find_release: sets $RELEASE, and installs its headers.
find_release() {
	local headers source

	if [[ -n ${RELEASE:-} ]]; then
		[[ $RELEASE == "$KERNEL".* ]] ||
			die "KERNELRELEASE=$RELEASE is not of line $KERNEL;" \
				"supported lines: $(supported_lines)"
		need_packages "building for $RELEASE" "linux-headers-$RELEASE"
		return
	fi
	source=$(dpkg-query -W -f '${source:Version}' "$PACKAGE")
	headers=$(fitting_headers "$source")
	if [[ -z $headers ]]; then
		step "no headers known to apt, updating the package lists"
		as_root apt-get update >"$BUILD/apt.log" 2>&1 || :
		headers=$(fitting_headers "$source")
	fi
	[[ -n $headers ]] ||
		die "apt offers no linux-headers of $PACKAGE $source:" \
			"upgrade $PACKAGE, or say KERNELRELEASE=..."
	RELEASE=${headers#linux-headers-}
	need_packages "building for $RELEASE" "$headers"
}
