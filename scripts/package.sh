#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by deb.sh: from the repository's files to a package, in build/deb.

changelog_version() {
	dpkg-parsechangelog -l debian/changelog -S Version
}

VERSION=$(changelog_version) ||
	die "debian/changelog does not say which version this is"
DEB_DIR=$BUILD/deb
DEB=$DEB_DIR/dm-rq-barrier-dkms_${VERSION}_all.deb

# modinfo's version comes from the header, the package's from the changelog.
check_version() {
	local header

	header=$(sed -n 's/^#define DM_RQ_BARRIER_VERSION "\(.*\)"$/\1/p' \
		drivers/md/dm-rq-barrier.h)
	[[ $header == "$VERSION" ]] ||
		die "drivers/md/dm-rq-barrier.h is version $header," \
			"debian/changelog is $VERSION"
}

# package_files: what the package is made from, one a line
package_files() {
	overlay_files
	find debian patches compat -type f ! -name '*~' ! -name '.*.swp' \
		! -name '*.orig' ! -name '*.rej'
}

stage_package() {
	rm -rf "$DEB_DIR"
	mkdir -p "$DEB_DIR/source"
	package_files | tar -c -T - | tar -x -C "$DEB_DIR/source"
}

build_package() {
	(cd "$DEB_DIR/source" && dpkg-buildpackage -b -us -uc) \
		>"$DEB_DIR/build.log" 2>&1 || {
		tail -n 20 "$DEB_DIR/build.log" >&2
		die "the package does not build, see $DEB_DIR/build.log"
	}
	[[ -f $DEB ]] || die "the build made no ${DEB##*/}, see $DEB_DIR/build.log"
}

check_package() {
	lintian --allow-root --fail-on error,warning "$DEB" \
		>"$DEB_DIR/lintian.log" 2>&1 || {
		cat "$DEB_DIR/lintian.log" >&2
		die "lintian complains, see $DEB_DIR/lintian.log"
	}
}
