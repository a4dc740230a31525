#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by style.sh: checks that read files.  The kernel's tools see the
# files where the kernel has them, in the assembled tree.

# new_files PATTERN: our files with such a name.
new_files() {
	overlay_files | grep -E "$1" || :
}

# in_tree COMMAND...: run it at the root of the assembled tree.
in_tree() {
	(cd "$TREE" && "$@")
}

# checkpatch OPTION FILE...: a few files at a time on each processor.
checkpatch() {
	local output

	output=$(cd "$TREE" && printf '%s\0' "${@:2}" |
		xargs -0 -n 4 -P "$(nproc)" perl scripts/checkpatch.pl \
			--strict --codespell --terse --showfile --quiet \
			--no-summary "$1" 2>&1) || :
	[[ -z $output ]] || {
		sort <<<"$output"
		return 1
	}
}

# What is made by the kernel's tools, in their style
generated='^kernel/trace/rv/monitors/([^/]*)/\1\.h$'

# What hides that a kernel is older cannot avoid these.
of_compat=--ignore=LINUX_VERSION_CODE,MACRO_ARG_UNUSED,MACRO_ARG_REUSE
of_compat+=,MACRO_ARG_PRECEDENCE,UNSPECIFIED_INT

check_new_files() {
	local files

	mapfile -t files < <(new_files . | grep -vE "$generated")
	[[ ! -f Kconfig ]] || files+=(drivers/md/Kconfig.dm-rq-barrier)
	checkpatch --file "${files[@]}" || return
	[[ -n ${COMPAT:-} ]] || return 0
	mkdir -p "$KB/compat"
	cp compat/*.h "$KB/compat"
	checkpatch "$of_compat" --file "$KB"/compat/*.h
}

# automaton MODEL: as the kernel's own tool makes it.  The main program of rvgen
# needs a later Python than Debian 12 has, and what it uses for that does not.
# dot2k looks for its templates below the current directory, and writes there.
automaton() {
	local tools=$TREE/tools/verification name

	if [[ -d $tools/rvgen ]]; then
		PYTHONPATH=$tools/rvgen python3 -B -c 'import sys
from rvgen.dot2k import da2k
model = da2k(sys.argv[1], "per_obj", {"model_name": None,
             "monitor_class": "da", "description": "", "parent": None,
             "auto_patch": False})
print(model.fill_model_h())' "$1"
		return
	fi
	name=$(basename "$1" .dot)
	mkdir -p "$KB/monitors/dot2k"
	ln -sfn "$tools/dot2/dot2k_templates" "$KB/monitors/dot2k/rv_templates"
	(cd "$KB/monitors" && PYTHONPATH=$tools python3 -B \
		"$tools/dot2/dot2k" -t per_task -d "$1" >&2 &&
		cat "$name/$name.h")
}

# same_automaton FILE FILE: the tools differ in blanks, commas, what is before and
# whether it is constant.
same_automaton() {
	cmp <(bare_automaton "$1") <(bare_automaton "$2")
}

bare_automaton() {
	sed -n -e 's/ = 0,/,/' -e 's/^static const/static/' -e '/^enum/,$p' "$1" | tr -d ' \t\n' |
		sed 's/,}/}/g'
}

# Headers of monitors are what is made of their models.
check_monitors() {
	local header name bad=0

	mkdir -p "$KB/monitors"
	for header in $(new_files "$generated"); do
		name=$(basename "$header" .h)
		automaton "$TREE/tools/verification/models/$name.dot" \
			>"$KB/monitors/$name.h" || bad=1
		same_automaton "$KB/monitors/$name.h" "$TREE/$header" || bad=1
	done
	return $bad
}

# EMBEDDED_FILENAME is meant for comments.  The hook that makes
# drivers/md/Kconfig source drivers/md/Kconfig.dm-rq-barrier cannot avoid it.
# There is no history in which to look for the commits that messages name.
check_hooks() {
	local patches

	mapfile -t patches < <({
		series
		module_series
		series_of files
	} | sed "s,^,$ROOT/patches/$KERNEL/,")
	((${#patches[@]} == 0)) ||
		checkpatch --ignore=EMBEDDED_FILENAME,UNKNOWN_COMMIT_ID \
			"${patches[@]}"
}

# kernel-doc says nothing, and fails, about files without any description.
check_kernel_doc() {
	local file bad=0

	for file in $(new_files '\.[ch]$'); do
		grep -q '^/\*\*$' "$file" || continue
		in_tree scripts/kernel-doc -none -Werror "$file" || bad=1
	done
	return $bad
}

check_shell() {
	local ours theirs

	mapfile -t ours < <(ls .ci/run scripts/*.sh reproduce/*.sh
		grep -rlE '^#!/bin/(ba)?sh' debian)
	shellcheck -x -P SCRIPTDIR "${ours[@]}" || return
	mapfile -t theirs < <(new_files '\.sh$')
	((${#theirs[@]} == 0)) ||
		in_tree shellcheck -x -P SCRIPTDIR "${theirs[@]}"
}

check_python() {
	local files

	mapfile -t files < <(new_files '\.py$')
	((${#files[@]} == 0)) || python3 -c 'import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name).read(), name)' "${files[@]}"
}

# The tools that read traces test themselves, without a kernel.
check_tools() {
	local tools=tools/tracing/dm-rq-barrier

	in_tree python3 -B "$tools/test_sequence_plot.py" || return
	in_tree python3 -B "$SELFTESTS/test_torture_judge.py" || return
	in_tree python3 -B "$SELFTESTS/order_check.py" --self-test
}

# Roles and directives that only Sphinx knows are not errors.
check_rst() {
	local file bad=0

	for file in $(new_files '\.rst$'); do
		rst2html --report=warning "$file" 2>&1 >/dev/null |
			grep -E ':[0-9]+: \((WARNING|ERROR|SEVERE)' |
			grep -vE 'Unknown (interpreted text role|directive type)' &&
			bad=1
	done
	return $bad
}

# validate_abi DIRECTORY: what the kernel's tool says of all files there
validate_abi() {
	if [[ -f $TREE/scripts/get_abi.pl ]]; then
		in_tree scripts/get_abi.pl validate --dir "$1"
	else
		in_tree python3 -B tools/docs/get_abi.py --dir "$1" validate
	fi
}

check_abi() {
	local file said

	for file in $(new_files '^Documentation/ABI/'); do
		said=$(validate_abi "$(dirname "$file")" 2>&1) || return
		grep -F -A 1 "$(basename "$file")" <<<"$said" && return 1
	done
	return 0
}

check_maintainers() {
	local heading file bad=0

	heading=$(grep -m 1 -v -e '^#' -e '^$' MAINTAINERS) || return
	for file in $(overlay_files); do
		in_tree perl scripts/get_maintainer.pl --no-git \
			--no-git-fallback --sections -f "$file" |
			grep -xF -- "$heading" >/dev/null && continue
		echo "$file is not covered by the section $heading"
		bad=1
	done
	return $bad
}
