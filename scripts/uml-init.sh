#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Process 1 of the user mode guest: runs one script and switches the machine
# off.  The script's terminal is the second console, its witness the third.

guest_output=/dev/tty1
export WITNESS=/dev/tty2
# shellcheck source=guest-init.sh
. "${0%/*}/guest-init.sh"

echo o >/proc/sysrq-trigger
sleep 30
