#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make deb: the Debian package that installs dm-mod with barriers for Debian's
# own kernels.  The last line is its path.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=package.sh
. scripts/package.sh

take_lock
need_packages "the Debian package" dpkg-dev debhelper fakeroot lintian
need_space 50 "the Debian package"
check_version
stage_package
step "building the package, log in $DEB_DIR/build.log"
build_package
step "lintian"
check_package
verdict "$DEB"
