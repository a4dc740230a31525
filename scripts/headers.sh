#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: which kernel of Debian to build a module for.  Its headers have to be
# of the same version as the kernel source, so the newest of that version is the
# one that apt offers, unless the user names another.

# source_version PACKAGE: of the source that an installed package was built from
source_version() {
	package_installed "$1" && dpkg-query -W -f '${source:Version}' "$1"
}

# offered_headers: packages with headers of this line, as apt knows them
offered_headers() {
	apt-cache search --names-only \
		"^linux-headers-${KERNEL//./[.]}[.][0-9+a-z]+-$(dpkg --print-architecture)\$" |
		cut -d ' ' -f 1 | sort -V
}

# candidate_fits PACKAGE: the version that apt would install is the source's
candidate_fits() {
	[[ $(apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }') == \
		"$(source_version "$PACKAGE")" ]]
}

# fitting_headers: the newest that fit, or nothing
fitting_headers() {
	local headers fitting=

	for headers in $(offered_headers); do
		! candidate_fits "$headers" || fitting=$headers
	done
	echo "$fitting"
}

# find_release: sets $RELEASE, and installs its headers.
find_release() {
	local headers

	if [[ -n ${RELEASE:-} ]]; then
		[[ $RELEASE == "$KERNEL".* ]] ||
			die "KERNELRELEASE=$RELEASE is not of line $KERNEL;" \
				"supported lines: $(supported_lines)"
		need_packages "building for $RELEASE" "linux-headers-$RELEASE"
		return
	fi
	headers=$(fitting_headers)
	if [[ -z $headers ]]; then
		step "no headers known to apt, updating the package lists"
		as_root apt-get update >"$BUILD/apt.log" 2>&1 || :
		headers=$(fitting_headers)
	fi
	[[ -n $headers ]] ||
		die "apt offers no linux-headers of $PACKAGE" \
			"$(source_version "$PACKAGE"): upgrade $PACKAGE," \
			"or say KERNELRELEASE=..."
	RELEASE=${headers#linux-headers-}
	need_packages "building for $RELEASE" "$headers"
}
