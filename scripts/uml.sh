#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make uml: build the user mode Linux kernel with the KUnit suites and all that
# the selftests use.  The last line is the path of the binary.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=build.sh
. scripts/build.sh

take_lock
sub tree.sh
need_compiler
need_space 800 "building the kernel"
setup_ccache
configure
# kunit.py run makes compile_commands.json too: leave it nothing to do
build_kernel "$UML_DIR" "$KB/uml.log" \
	kmake "$UML_DIR" "-j$(nproc)" all compile_commands.json
verdict "$UML_DIR/linux"
