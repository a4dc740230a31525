#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by tree.sh: edits that somebody made in the assembled tree must not
# be lost by the next assembly, and must not be taken for the kernel's own.

# What editors and indexers leave in a tree is not an edit.
not_edits=(! -name tags ! -name TAGS ! -name 'cscope.*' ! -name GTAGS
	! -name GRTAGS ! -name GPATH ! -name compile_commands.json
	! -name '.*.swp' ! -name '*.pyc')

# listed FILE MANIFEST...: is FILE in one of the manifests?
listed() {
	cat "${@:2}" 2>/dev/null | cut -d ' ' -f 3- | grep -xF -- "$1" >/dev/null
}

# is_ours FILE: does it have the content that some assembly gave it?  The next
# manifest exists while files are being installed, or after an interruption.
is_ours() {
	local sum

	if [[ ! -f $TREE/$1 ]]; then
		# gone: only an edit if the last assembly left it there
		! listed "$1" "$KB/manifest" || [[ -f $KB/manifest.next ]]
		return
	fi
	cmp -s "$TREE/$1" "$KB/pristine/$1" && return
	sum=$(sha256sum <"$TREE/$1")
	grep -qsxF "${sum%% *}  $1" "$KB/manifest" "$KB/manifest.next"
}

# edited_files: what changed in the tree since the last assembly, one a line.
edited_files() {
	local file

	[[ -f $KB/assembled ]] || return 0
	{
		(cd "$TREE" && find . -name __pycache__ -prune -o \
			-name .cache -prune -o -type f \
			-newer "$KB/assembled" "${not_edits[@]}" -printf '%P\n')
		sed 's/^[0-9a-f]*  //' "$KB/manifest"
	} | sort -u | while IFS= read -r file; do
		is_ours "$file" || printf '%s\n' "$file"
	done
}

# discard_edits: files of the kernel come from the tarball again, others go.
# Files that we install are installed again later, because they differ.
discard_edits() {
	local file tmp=$KB/restore.tmp

	rm -rf "$tmp"
	mkdir "$tmp"
	while IFS= read -r file; do
		printf '%s/%s\n' "$PACKAGE" "$file"
	done <<<"$1" >"$KB/restore.list"
	# tar complains about files that are not the kernel's
	tar -x -f "$TARBALL" --touch --strip-components=1 -C "$tmp" \
		-T "$KB/restore.list" 2>/dev/null || :
	while IFS= read -r file; do
		if [[ -f $tmp/$file ]]; then
			mv -f "$tmp/$file" "$TREE/$file"
		else
			rm -f "$TREE/$file"
		fi
	done <<<"$1"
	rm -rf "$tmp" "$KB/restore.list"
}

show_files() {
	local file

	while IFS= read -r file; do
		printf '        %s\n' "$file"
	done <<<"$1"
}

refuse_edits() {
	local edits

	edits=$(edited_files)
	[[ -n $edits ]] || return 0
	if [[ -n ${FORCE:-} ]]; then
		step "throwing away the edits in"
		show_files "$edits"
		discard_edits "$edits"
		return
	fi
	echo "changed in $TREE since it was assembled:" >&2
	show_files "$edits" >&2
	die "copy your change into the repository or into a hook, then" \
		"make clean, or make tree FORCE=1 to throw the edits away"
}
