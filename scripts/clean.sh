#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make clean: remove build/, unless somebody is at work in it.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

take_lock
if [[ -L $ROOT/build ]]; then
	# a link leads outside: what it leads to is not ours to remove
	rm -f "$ROOT/build"
else
	find "$ROOT/build" -mindepth 1 -maxdepth 1 \
		-exec rm -rf --one-file-system {} +
	rmdir "$ROOT/build" 2>/dev/null || :
fi
verdict "clean: build/ is gone"
