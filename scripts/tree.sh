#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make tree: the kernel's source, the hooks and this repository's files, put
# together in build/KERNEL/tree.  Only files whose content changed are written,
# so that the kernel's make compiles no more than it has to.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=tree-unpack.sh
. scripts/tree-unpack.sh
# shellcheck source=tree-edits.sh
. scripts/tree-edits.sh
# shellcheck source=tree-stage.sh
. scripts/tree-stage.sh

changed=0

# refuse_collisions: new files must be new; what the kernel has needs a hook.
refuse_collisions() {
	local sum file

	while read -r sum file; do
		if [[ -f $TREE/$file && ! -f $KB/pristine/$file ]] &&
			! listed "$file" "$KB/manifest" "$KB/manifest.old"; then
			die "$file: the stock kernel has this file; change it by a hook"
		fi
	done <"$KB/manifest.tmp"
}

install_stage() {
	local sum file mode

	while read -r sum file; do
		if cmp -s "$KB/stage/$file" "$TREE/$file" &&
			[[ -x $KB/stage/$file || ! -x $TREE/$file ]] &&
			[[ ! -x $KB/stage/$file || -x $TREE/$file ]]; then
			continue
		fi
		mode=$(stat -c %a "$KB/stage/$file")
		install -D -m "$mode" "$KB/stage/$file" "$TREE/$file.new~"
		mv -f "$TREE/$file.new~" "$TREE/$file"
		changed=$((changed + 1))
	done <"$KB/manifest.next"
}

# remove_stale: files of an earlier assembly that this one does not have.
remove_stale() {
	local file

	while read -r file; do
		! listed "$file" "$KB/manifest.next" || continue
		if [[ -f $KB/pristine/$file ]]; then
			cp "$KB/pristine/$file" "$TREE/$file"
		else
			rm -f "$TREE/$file"
			rmdir -p --ignore-fail-on-non-empty \
				"$(dirname "$TREE/$file")" 2>/dev/null || :
		fi
		changed=$((changed + 1))
	done < <(sed 's/^[0-9a-f]*  //' "$KB/manifest" "$KB/manifest.old" | sort -u)
}

# The manifest of an interrupted run still tells what that run installed.
assemble() {
	touch "$KB/manifest" "$KB/manifest.old"
	if [[ -f $KB/manifest.next ]]; then
		cat "$KB/manifest.next" >>"$KB/manifest.old"
	fi
	refuse_collisions
	mv "$KB/manifest.tmp" "$KB/manifest.next"
	install_stage
	remove_stale
	mv "$KB/manifest.next" "$KB/manifest"
	rm -f "$KB/manifest.old"
	touch "$KB/assembled"
}

take_lock
load_base
mkdir -p "$KB"
find_tarball
unpack_tree
refuse_edits
make_stage
assemble
if [[ $checksum == "$SHA256" ]]; then
	same=", the recorded one"
fi
verdict "tree: $source_is${same:-} + $(series | wc -l) hooks +" \
	"$(overlay_files | wc -l) files, $changed written: $TREE"
