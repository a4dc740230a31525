#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: what the files of the series are after each of its patches.
#
# The repository has each new file as it is in the end.  series/steps lists the
# patches that lead there.  The first of them are hooks, which apply to the stock
# files.  The others are steps: series/NAME/ says what has to go from the
# assembled tree so that it is as before that step:
#
#	message      the commit message
#	files        patterns of files that are new with it, or, if the kernel has
#	             the file, have their stock content before it
#	hooks        patterns of hooks that are part of it
#	diff         what it changes in files that were there before, as a patch
#	KERNEL.diff  the same, in files that hooks change
#
# Going backwards means that a change of the final files seldom concerns more
# than its own step.
#
# states/N is the state after patch N, states/0 the stock files.

work=$KB/series-work
states=$work/states
stages=()

# has_series: were the steps cut for this line?
has_series() {
	compgen -G "series/*/$KERNEL.diff" >/dev/null
}

# read_steps: fills $stages with "hook FILE" and "step NAME".
read_steps() {
	local kind name

	mapfile -t stages < <(list_of series/steps | while read -r kind name; do
		[[ $kind != hook ]] || name=$(hook_like "$name")
		echo "$kind $name"
	done)
	for name in "${stages[@]}"; do
		case $name in
		"hook "?* | "step "?*) ;;
		*) die "series/steps: \"$name\" is neither a hook of" \
			"patches/$KERNEL nor a step" ;;
		esac
	done
}

# hook_like PATTERN: the one hook of that name, without number and .patch
hook_like() {
	local hook found=()

	for hook in $(series); do
		# shellcheck disable=SC2053	# a pattern it is
		[[ ${hook%.patch} != $1 ]] || found+=("$hook")
	done
	((${#found[@]} == 1)) ||
		die "series/steps: ${#found[@]} hooks are like $1: ${found[*]}"
	echo "${found[0]}"
}

# words_of STEP FILE: the lines of series/STEP/FILE, if there is one
words_of() {
	[[ ! -f series/$1/$2 ]] || list_of "series/$1/$2"
}

# copy_state FROM TO
copy_state() {
	rm -rf "${states:?}/$2"
	cp -a "$states/$1" "$states/$2"
}

# patch_state N PATCH [OPTION...]
patch_state() {
	local out

	out=$(patch -d "$states/$1" -p1 -F0 --no-backup-if-mismatch \
		-r - "${@:3}" -i "$2" 2>&1) && return
	echo "$out" >&2
	die "$2 does not fit the files of patch $1 of the series: refresh it"
}

# without_files N PATTERN: new files go, others are the kernel's again.
without_files() {
	local file seen=

	while read -r file; do
		# shellcheck disable=SC2053	# a pattern it is
		[[ $file == $2 ]] || continue
		seen=1
		if [[ -f $KB/pristine/$file ]]; then
			cp "$KB/pristine/$file" "$states/$1/$file"
		else
			rm "$states/$1/$file"
		fi
	done < <(cd "$states/$1" && find . -type f -printf '%P\n' | sort)
	[[ -n $seen ]] || die "no file is like $2 in patch $1 of the series"
}

# undo_step N NAME: states/N, which is after the step, is made that before it.
undo_step() {
	local pattern diff

	while read -r pattern; do
		without_files "$1" "$pattern"
	done < <(words_of "$2" files)
	for diff in "diff" "$KERNEL.diff"; do
		[[ ! -f series/$2/$diff ]] ||
			patch_state "$1" "$ROOT/series/$2/$diff" -R
	done
	while read -r pattern; do
		patch_state "$1" \
			"$ROOT/patches/$KERNEL/$(hook_like "$pattern")" -R
	done < <(words_of "$2" hooks | tac)
	find "$states/$1" -type d -empty -delete
}

# make_states: from both ends
make_states() {
	local last=${#stages[@]} n kind name

	rm -rf "$states"
	mkdir -p "$states/0"
	cp -a "$KB/pristine/." "$states/0"
	for ((n = 1; n <= last; n++)); do
		read -r kind name <<<"${stages[n - 1]}"
		[[ $kind == hook ]] || break
		copy_state $((n - 1)) $n
		patch_state $n "$ROOT/patches/$KERNEL/$name"
	done
	mkdir "$states/$last"
	cp -a "$KB/stage/." "$states/$last"
	for ((; last > n; last--)); do
		read -r kind name <<<"${stages[last - 1]}"
		[[ $kind == step ]] ||
			die "series/steps: the hook $name comes after a step"
		copy_state "$last" $((last - 1))
		undo_step $((last - 1)) "$name"
	done
}
