#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make series: the patches as they would be posted, with a cover letter, in
# build/KERNEL/series/.  series-states.sh says how they come about.  They are
# made by git format-patch in a repository that has only the files of the series.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=series-states.sh
. scripts/series-states.sh

repo=$work/repository
out=$KB/series

in_repo() {
	git -C "$repo" "$@"
}

# The name and the address that git has for this repository, and the time of the
# last commit, so that the same files make the same patches.
author() {
	local date

	date=$(git log -1 --format=%cI 2>/dev/null) || date=$(date -Is)
	GIT_AUTHOR_NAME=$(git config user.name || echo nobody)
	GIT_AUTHOR_EMAIL=$(git config user.email || echo nobody@localhost)
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL
	export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME
	export GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL
	export GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date
}

# message STAGE: the commit message; that of a hook is in the patch.
message() {
	local kind name

	read -r kind name <<<"$1"
	if [[ $kind == step ]]; then
		cat "series/$name/message"
		return
	fi
	git mailinfo "$work/body" /dev/null <"patches/$KERNEL/$name" |
		sed -n 's/^Subject: //p'
	echo
	cat "$work/body"
}

# commit_state N MESSAGE-FILE [OPTION...]
commit_state() {
	find "$repo" -mindepth 1 -maxdepth 1 ! -name .git -exec rm -rf {} +
	cp -a "$states/$1/." "$repo"
	in_repo add -A
	in_repo commit -q -F "$2" "${@:3}" ||
		die "patch $1 of the series changes nothing"
}

make_repository() {
	local n

	rm -rf "$repo"
	git init -q -b series "$repo"
	echo "the kernel's files" >"$work/message"
	commit_state 0 "$work/message"
	in_repo tag base
	for ((n = 1; n <= ${#stages[@]}; n++)); do
		message "${stages[n - 1]}" >"$work/message"
		commit_state $n "$work/message" --signoff
	done
}

# measured_figures: what make bench has left.  It measures Debian's own kernel, so
# that lines which have none get the figures of another line.
measured_figures() {
	local report=$KB/bench/report.txt line

	[[ -f $report ]] ||
		report=$(compgen -G "$BUILD/*/bench/report.txt" | head -n 1 || :)
	if [[ -z $report ]]; then
		echo "(not measured)"
		return
	fi
	line=${report#"$BUILD/"}
	line=${line%%/*}
	[[ $line == "$KERNEL" ]] || printf 'On %s:\n\n' "$line"
	cat "$report"
}

# cover_letter: with what this line changes outside drivers/md in place of
# @OUTSIDE@, and the figures in place of @FIGURES@
cover_letter() {
	measured_figures >"$work/figures"
	sed -e "/^@FIGURES@\$/{r $work/figures" -e 'd}' \
		-e "/^@OUTSIDE@\$/{r series/outside.$KERNEL" -e 'd}' \
		series/cover-letter
}

# The cover letter's first line is its subject.
write_patches() {
	in_repo config branch.series.description "$(cover_letter)"
	rm -rf "$out"
	in_repo format-patch -q -o "$out" --cover-letter \
		--cover-from-description=subject --stat=76 --zero-commit \
		--no-signature base..series
}

take_lock
has_series ||
	die "there is no series for $KERNEL: no series/*/$KERNEL.diff says what" \
		"its steps change in files that hooks change"
sub tree.sh
need_packages "the series" git
read_steps
author
step "undoing the steps of the series, from the last one"
make_states
step "making patches"
make_repository
write_patches
if grep -qxF "(not measured)" "$work/figures"; then
	step "the cover letter has no figures: make bench measures them"
fi
verdict "${#stages[@]} patches and a cover letter: $out"
