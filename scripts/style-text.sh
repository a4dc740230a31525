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

# What dot2k prints has no SPDX line, and lines as long as they get.
generated='^kernel/trace/rv/monitors/.*\.h$'

check_new_files() {
	local files

	mapfile -t files < <(new_files . | grep -v "$generated")
	[[ ! -f Kconfig ]] || files+=(drivers/md/Kconfig.dm-rq-barrier)
	checkpatch --file "${files[@]}" || return
	cp compat/dm-rq-compat.h "$KB/dm-rq-compat.h"
	checkpatch \
		"--ignore=LINUX_VERSION_CODE,MACRO_ARG_PRECEDENCE,MACRO_ARG_REUSE" \
		--file "$KB/dm-rq-compat.h"
}

# The kernel's own tool makes the automaton of a monitor from the model.  It looks
# for its templates below the current directory, and writes there.
check_monitors() {
	local dir=$KB/monitors header name bad=0

	rm -rf "$dir"
	mkdir -p "$dir/dot2k"
	ln -s "$TREE/tools/verification/dot2/dot2k_templates" \
		"$dir/dot2k/rv_templates"
	for header in $(new_files "$generated"); do
		name=$(basename "$header" .h)
		(cd "$dir" && PYTHONPATH=$TREE/tools/verification python3 -B \
			"$TREE/tools/verification/dot2/dot2k" -t per_task -d \
			"$TREE/tools/verification/models/$name.dot") || bad=1
		# that of 6.1 does not make the automaton constant
		cmp <(sed 's/^static const/static/' "$dir/$name/$name.h") \
			<(sed 's/^static const/static/' "$TREE/$header") || bad=1
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

check_abi() {
	local file

	for file in $(new_files '^Documentation/ABI/'); do
		in_tree scripts/get_abi.pl validate \
			--dir "$(dirname "$file")" 2>&1 |
			grep -F -A 1 "$(basename "$file")" && return 1
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
