#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench-tables: the tables of the admin guide, from the figures that the last
# make bench or make bench-quick has left.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

guide=Documentation/admin-guide/device-mapper/dm-rq-barrier.rst
BENCH=$KB/bench

[[ -f $BENCH/report.log ]] || die "there are no figures: make bench measures them"
how="a whole run, with all seeds and steps"
[[ ! -f $BENCH/quick ]] || how="a short run, with few seeds and steps"
python3 "$SELFTESTS/bench/tables.py" "$BENCH" "$guide" "$how"
verdict "$guide has the figures of $BENCH"
