#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Process 1 of the guest in QEMU: runs one script and restarts the machine,
# which ends QEMU.  The script's terminal is the second serial port, its witness
# the third.

guest_output=/dev/ttyS1
export WITNESS=/dev/ttyS2
# shellcheck source=guest-init.sh
. "${0%/*}/guest-init.sh"

# what was written to the serial ports has to leave before that
stty -F /dev/ttyS0 sane
stty -F /dev/ttyS1 sane
stty -F /dev/ttyS2 sane
echo b >/proc/sysrq-trigger
