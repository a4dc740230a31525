#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bisect: each state of the series builds without a warning, with the option
# and without it, boots, keeps data on a multipath device, and passes the tests
# that exist at that point: the KUnit suites, and of the selftests those below.
#
# The tree is a copy of the assembled one, made of links: states are put into it
# by replacing files, so that only what changed is compiled.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=config.sh
. scripts/config.sh
# shellcheck source=build.sh
. scripts/build.sh
# shellcheck source=header.sh
. scripts/header.sh
# shellcheck source=kunit-log.sh
. scripts/kunit-log.sh
# shellcheck source=programs.sh
. scripts/programs.sh
# shellcheck source=series-states.sh
. scripts/series-states.sh

selftests=(modes.sh stats.sh flush-errors.sh)
bisect=$KB/bisect
wrong=0
tried=()

link_tree() {
	if [[ -d $bisect/tree ]] && cmp -s "$KB/tarball.id" "$bisect/tarball.id"; then
		return
	fi
	need_space 1500 "building each patch"
	rm -rf "$bisect/tree" "$bisect/tarball.id"
	mkdir -p "$bisect"
	cp -al "$TREE" "$bisect/tree"
	cp "$KB/tarball.id" "$bisect/tarball.id"
}

# files_seen: of any state, and of states of earlier runs
files_seen() {
	{
		cat "$bisect/files" 2>/dev/null || :
		(cd "${states:?}" && find . -mindepth 2 -type f -printf '%P\n') |
			cut -d / -f 2-
	} | sort -u
}

# install_file FROM FILE: beside it first, as the tree's own has other links.
install_file() {
	! cmp -s "$1" "$bisect/tree/$2" || return 0
	install -D -m "$(stat -c %a "$1")" "$1" "$bisect/tree/$2.new~"
	mv -f "$bisect/tree/$2.new~" "$bisect/tree/$2"
}

install_state() {
	local file

	files_seen >"$bisect/files.tmp"
	mv "$bisect/files.tmp" "$bisect/files"
	while read -r file; do
		if [[ -f $states/$1/$file ]]; then
			install_file "$states/$1/$file" "$file"
		elif [[ -f $KB/pristine/$file ]]; then
			install_file "$KB/pristine/$file" "$file"
		else
			rm -f "$bisect/tree/$file"
		fi
	done <"$bisect/files"
}

# A .config keeps the defaults that Kconfig had when it was made.
configure_state() {
	mkdir -p "$bisect/$1"
	sed -e '/CONFIG_DM_RQ_ORDERED/d' "${@:2}" "$bisect/config" \
		>"$bisect/$1/.config"
	kmake "$bisect/$1" olddefconfig
}

# warnings LOG: about files of the series
warnings() {
	local pattern

	pattern=$(sed 's/[.]/[.]/g' "$bisect/files" | paste -sd '|')
	! grep -A 4 -E "($pattern):[0-9:]+ warning:" "$1"
}

# build_state DIRECTORY TARGET... : warnings are said when a file is compiled, so
# objects go if there were any.
build_state() {
	local log=$logs/$1.log

	with_progress "$log" kmake "$bisect/$1" "-j$(nproc)" "${@:2}" &&
		warnings "$log" && return
	grep -m 5 -A 3 -E 'error:|undefined reference|\*\*\* ' "$log" || :
	find "$bisect/$1/drivers/md" "$bisect/$1/kernel/trace/rv" \
		-name '*.o' -delete
	return 1
}

# boot_state SCRIPT [KERNEL ARGUMENT...]
boot_state() {
	local dir=$logs/${1##*/} limit mem

	limit=$(header "$1" timeout)
	mem=$(header "$1" mem)
	mkdir -p "$dir"
	UML=$bisect/uml/linux BOOT_DIR=$dir MEM=${mem:-1G} UML_ARGS="${*:2}" \
		scripts/boot-uml.sh "${limit:-180}" "$1" \
		>"$dir/judgement" 2>&1 && return
	cat "$dir/judgement"
	return 1
}

# cases SCRIPT: that passed
cases() {
	grep -ac '^ok ' "$logs/$1/output.log" || :
}

# KUnit runs when the kernel boots, so the smoke test's boot will do.
smoke() {
	local args=()

	[[ ! -f $bisect/tree/drivers/md/tests/.kunitconfig ]] ||
		args=(kunit.enable=1 "kunit.filter_glob=dm-rq-*")
	boot_state "$ROOT/scripts/bisect-smoke.sh" "${args[@]}" || return
	row+=", smoke $(cases bisect-smoke.sh)"
	((${#args[@]} > 0)) || return 0
	"$kunit" parse "$logs/bisect-smoke.sh/console.log" \
		>"$logs/kunit.log" 2>&1 || {
		show_kunit_failures "$logs/kunit.log"
		return 1
	}
	row+=", KUnit $(kunit_count "$logs/kunit.log" passed)"
	(($(kunit_count "$logs/kunit.log" passed) > 0))
}

run_selftests() {
	local dir=$bisect/tree/$SELFTESTS test

	[[ -f $dir/Makefile ]] || return 0
	for test in "${selftests[@]}"; do
		boot_state "$dir/$test" || return
		row+=", ${test%.sh} $(cases "$test")"
	done
}

# The option off, W=1: what is left of the files that hooks change
without_option() {
	[[ -f $bisect/tree/drivers/md/Kconfig.dm-rq-barrier ]] || return 0
	configure_state off -e '/CONFIG_DM_RQ_BARRIER/d' \
		-e '/CONFIG_RV_MON_DM_RQ/d' >"$logs/off.log" 2>&1 || return
	! grep -q '^CONFIG_DM_RQ_BARRIER' "$bisect/off/.config" || return
	build_state off W=1 drivers/md/ || return
	row+=", builds without"
}

# try_patch N: says what passed in $row
try_patch() {
	logs=$bisect/logs/$1
	rm -rf "$logs"
	mkdir -p "$logs"
	row="builds"
	install_state "$1"
	configure_state uml >"$logs/config.log" 2>&1 || return
	build_state uml all || return
	without_option || return
	smoke || return
	run_selftests
}

subject() {
	git mailinfo /dev/null /dev/null \
		<"$(echo "$KB"/series/"$(printf %04d "$1")"-*.patch)" |
		sed -n 's/^Subject: //p'
}

take_lock
sub series.sh
read_steps
need_compiler
need_packages "the smoke test" dmsetup mount e2fsprogs
setup_ccache
configure
build_programs
link_tree
cp "$UML_DIR/.config" "$bisect/config"
TREE=$bisect/tree
for n in ${PATCHES:-$(seq ${#stages[@]})}; do
	row=
	judgement=ok
	try_patch "$n" || {
		judgement=FAILED
		row+=", then failed, see $logs"
		wrong=$((wrong + 1))
	}
	step "$n $(subject "$n"): $row"
	tried+=("$(printf '%2d %-6s  %s' "$n" "$judgement" "$row")")
done
echo
printf '%s\n' "${tried[@]}"
((wrong == 0)) || die "$wrong of ${#tried[@]} patches"
verdict "bisect: ${#tried[@]} patches, each builds, boots and passes the tests" \
	"of its time"
