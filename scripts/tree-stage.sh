#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by tree.sh: prepare, beside the tree, every file that the assembled
# tree has different from the stock kernel.  If a hook does not apply, the tree
# is still what it was.

# save_pristine: the kernel files that hooks touch, as the kernel has them.
# No hook of an earlier assembly touched what has no copy yet, so the tree's
# file is still the original.
save_pristine() {
	local file

	{
		hooked_files
		echo MAINTAINERS
	} | while read -r file; do
		[[ ! -f $KB/pristine/$file && -f $TREE/$file ]] || continue
		# a file that we added is nobody's original
		! listed "$file" "$KB/manifest" "$KB/manifest.next" || continue
		mkdir -p "$(dirname "$KB/pristine/$file")"
		cp "$TREE/$file" "$KB/pristine.tmp"
		mv "$KB/pristine.tmp" "$KB/pristine/$file"
	done
}

# apply_patch PATCH ADVICE...: to what is in the stage
apply_patch() {
	local out

	out=$(patch -d "$KB/stage" -p1 -F0 --no-backup-if-mismatch \
		-i "$ROOT/patches/$KERNEL/$1" 2>&1) && return
	echo "$out" >&2
	die "patches/$KERNEL/$1 does not apply to ${source_is:?};" \
		"${*:2}: the tree is as it was before"
}

apply_hooks() {
	local patch file

	for file in $(hooked_files); do
		[[ -f $KB/pristine/$file ]] || continue
		install -D -m "$(stat -c %a "$KB/pristine/$file")" \
			"$KB/pristine/$file" "$KB/stage/$file"
	done
	for patch in $(series); do
		apply_patch "$patch" "refresh the hook for this source," \
			"or for a point release that fits"
	done
}

add_overlay() {
	local file

	for file in $(overlay_files); do
		if [[ -e $KB/stage/$file || -e $KB/pristine/$file ]]; then
			die "$file is here and in a hook as well: one of them has to go"
		fi
		install -D -m "$([[ -x $file ]] && echo 755 || echo 644)" \
			"$file" "$KB/stage/$file"
	done
	# what makes an older kernel look like the newest
	if [[ -n ${COMPAT:-} ]]; then
		install -D -m 644 compat/dm-rq-compat.h \
			"$KB/stage/drivers/md/dm-rq-compat.h"
		install -D -m 644 compat/rv_trace.h \
			"$KB/stage/kernel/trace/rv/rv_trace.h"
	fi
	if [[ -f Kconfig ]]; then
		install -D -m 644 Kconfig \
			"$KB/stage/drivers/md/Kconfig.dm-rq-barrier"
	fi
}

# fit_overlay: what an older kernel needs in new files that is not the newest's
fit_overlay() {
	local patch

	for patch in $(series_of files); do
		apply_patch "$patch" "refresh it for our files as they are now"
	done
}

# add_maintainers: our section goes before the first that sorts after it.
add_maintainers() {
	[[ -f MAINTAINERS ]] || return 0
	mkdir -p "$KB/stage"
	[[ -f $KB/stage/MAINTAINERS ]] ||
		cp "$KB/pristine/MAINTAINERS" "$KB/stage/MAINTAINERS"
	awk -f scripts/maintainers.awk MAINTAINERS "$KB/stage/MAINTAINERS" \
		>"$KB/maintainers.tmp"
	mv "$KB/maintainers.tmp" "$KB/stage/MAINTAINERS"
}

make_stage() {
	rm -rf "$KB/stage"
	mkdir -p "$KB/stage"
	save_pristine
	apply_hooks
	add_overlay
	fit_overlay
	add_maintainers
	(cd "$KB/stage" && find . -type f -printf '%P\0' | sort -z |
		xargs -0r sha256sum) >"$KB/manifest.tmp"
}
