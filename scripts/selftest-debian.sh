#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make selftest-debian: the selftests with the package's dm-mod on Debian's own
# kernel, on several processors, one after the other in one boot.
#
# Environment: TESTS, TEST_SECONDS  as for make selftest
#              CPUS, MEM            of the guest (2, 2G)

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=debian-system.sh
. scripts/debian-system.sh
# shellcheck source=test-list.sh
. scripts/test-list.sh

boot_dir=$KB/boot/debian-selftests

# What the guest reads; it runs no other process than the tests.
write_guest_params() {
	local into=/opt/dm-rq-barrier

	{
		printf 'guest_command=(%s/tests/selftests.sh' "$into"
		printf ' %q' "${tests[@]}"
		printf ')\nguest_keep=(%s)\nexport' "$into"
		printf ' %s=%q' TEST_SECONDS "${TEST_SECONDS:-}" LC_ALL "$LC_ALL"
		printf '\n'
	} >"$ROOT_DIR$into/params"
}

install_package() {
	step "installing the package"
	in_root dpkg -i "/opt/dm-rq-barrier/${deb##*/}" \
		>"$boot_dir/dpkg.log" 2>&1 ||
		die "the package could not be installed, see $boot_dir/dpkg.log"
	[[ $(in_root modinfo -k "$RELEASE" -n dm-mod) == */updates/* ]] ||
		die "the package installed no dm-mod, see $boot_dir/dpkg.log"
}

# limit: seconds for all tests together; emulation takes longer
limit() {
	local test one all=300

	for test in "${tests[@]}"; do
		one=$(header "$dir/$test" timeout)
		all=$((all + 2 * ${one:-180}))
	done
	echo "$all"
}

# finish_test TEST: its part of the output, and what it ended with
finish_test() {
	local one=$boot_dir/${1%.sh} status seconds

	rm -rf "$one"
	mkdir -p "$one"
	awk -v test="$1" '
	$1 == "===" && $2 == test { on = ($3 == "begins"); next }
	on' "$boot_dir/output.log" >"$one/output.log"
	ln -s ../console.log "$one/console.log"
	read -r status seconds < <(sed -n "s/^=== $1 ended with //p" \
		"$boot_dir/output.log") || status=1
	echo "$1: exit status ${status:-1}" >"$one/judgement"
	count_cases "$one" "$1" "${status:-1}" "${seconds:-0}"
}

dir=$TREE/$SELFTESTS
progs=$(make_variable TEST_PROGS)
list=$(tests_to_run "$progs" "$progs") || {
	said_verdict=1
	exit 1
}
mapfile -t tests <<<"$list"
prepare_system
rm -rf "$boot_dir"
mkdir -p "$boot_dir"
write_guest_params
install_package
make_disk
step "booting Linux $RELEASE for ${#tests[@]} scripts, output in" \
	"$boot_dir/output.log"
status=0
BOOT_DIR=$boot_dir DEBIAN_ARGS="init=/opt/dm-rq-barrier/scripts/smp-init.sh \
guest_params=/opt/dm-rq-barrier/params" scripts/boot-debian.sh "$(limit)" \
	debian/tests/selftests.sh >"$boot_dir/judgement" 2>&1 || status=$?
rm -f "$DEBIAN_DIR/disk.img"
for test in "${tests[@]}"; do
	finish_test "$test"
done
if ((status != 0)); then
	sed 's/^/    /' "$boot_dir/judgement"
	add_counts 0 1 0
fi
report_counts selftest-debian "$passed" "$failed" "$skipped"
