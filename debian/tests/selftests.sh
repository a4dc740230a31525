#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selftests.sh TEST...: run these selftests, one after the other, and say where
# the output of each begins, and how it ended.

# Nobody loads modules when devices appear.
modprobe -a configfs sd_mod

cd /opt/dm-rq-barrier/selftests || exit
worst=0
for test; do
	limit=$(sed -n '/^#/!q; s/^# timeout: *//p' "$test")
	begin=$EPOCHSECONDS
	echo "=== $test begins"
	timeout $((2 * ${limit:-180})) "./$test"
	status=$?
	echo "=== $test ended with $status $((EPOCHSECONDS - begin))"
	[[ $status == 0 || $status == 4 ]] || worst=1
done
exit $worst
