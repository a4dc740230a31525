#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by style.sh: the kernel's documentation, built by Sphinx with the
# kernel's own configuration and extensions.  All of it takes too long: what
# is built is the directories that have a page of ours, and of the ABI only our
# files.  It is built twice, with the series and as the stock kernel has it, and
# what Sphinx says more of the first is wrong.

docs=$KB/docs

# touched_pages: those that are new and those that hooks change
touched_pages() {
	{
		overlay_files
		hooked_files
	} | grep '^Documentation/.*\.rst$' || :
}

touched_directories() {
	touched_pages | sed 's,/[^/]*$,,' | sort -u
}

abi_files() {
	new_files '^Documentation/ABI/'
}

# contents: the first page, which leads to all others
contents() {
	printf 'Pages\n=====\n\n.. toctree::\n\n'
	touched_directories | sed 's,^Documentation/\(.*\),   \1/index,'
	(cd "$1/Documentation" && printf '   %s\n' admin-guide/abi-testing*.rst)
}

# lay_out BOOK: a tree with just the pages, and the tools that read them
lay_out() {
	local book=$docs/$1 directory

	rm -rf "$book"
	mkdir -p "$book/Documentation/ABI/testing"
	ln -s "$TREE"/{scripts,tools,MAINTAINERS} "$book"
	cp -a "$TREE"/Documentation/{conf.py,sphinx,sphinx-static} \
		"$book/Documentation"
	while read -r directory; do
		mkdir -p "$book/$directory"
		cp -a "$TREE/$directory/." "$book/$directory"
	done < <(touched_directories)
	cp "$TREE"/Documentation/admin-guide/abi-testing*.rst \
		"$book/Documentation/admin-guide"
	contents "$book" >"$book/Documentation/index.rst"
}

lay_out_series() {
	local file

	lay_out series
	while read -r file; do
		cp "$TREE/$file" "$docs/series/Documentation/ABI/testing"
	done < <(abi_files)
}

lay_out_stock() {
	local file

	lay_out stock
	while read -r file; do
		rm -f "$docs/stock/$file"
	done < <(new_files '^Documentation/')
	while read -r file; do
		cp "$KB/pristine/$file" "$docs/stock/$file"
	done < <(hooked_files | grep '^Documentation/')
}

# sphinx BOOK: what it says goes to BOOK.log
sphinx() {
	local book=$docs/$1

	(cd "$book/Documentation" && srctree=$book BUILDDIR=$book/output \
		sphinx-build -q -b html -j auto -c . -d "$book/output/.doctrees" \
		-D "version=$KERNEL" -D "release=$KERNEL" \
		-D "kerneldoc_srctree=$TREE" \
		-D "kerneldoc_bin=$TREE/scripts/kernel-doc" \
		. "$book/output" >"$docs/$1.log" 2>&1)
}

build_docs() {
	mkdir -p "$docs"
	lay_out_series
	lay_out_stock
	# their statuses are seen by what is there
	sphinx stock || :
	sphinx series || :
}

# but_elsewhere: pages that are known to the kernel are not unknown.
but_elsewhere() {
	local line pattern="unknown document: '/([^']*)'"

	while IFS= read -r line; do
		[[ $line =~ $pattern &&
			-f $TREE/Documentation/${BASH_REMATCH[1]}.rst ]] ||
			printf '%s\n' "$line"
	done
}

# said BOOK: without what differs in any case: directories and numbers of lines
said() {
	sed -e "s,$docs/$1/,,g" -e 's/:[0-9]\+:/:/' "$docs/$1.log" |
		but_elsewhere | sort
}

page_of() {
	local page=${1#Documentation/}

	echo "$docs/series/output/${page%.rst}.html"
}

# check_pages_built: also that each page has been read, and the stock ones
check_pages_built() {
	local file bad=0

	for file in $(touched_pages); do
		[[ -s $(page_of "$file") ]] && continue
		echo "$file was not built"
		bad=1
	done
	[[ -s $docs/stock/output/index.html ]] || {
		echo "the stock pages were not built"
		bad=1
	}
	((bad == 0)) || tail -n 20 "$docs/stock.log" "$docs/series.log"
	return $bad
}

# check_abi_built: what our ABI files describe is in the pages.
check_abi_built() {
	local name bad=0

	while read -r name; do
		grep -qF -- "$name" "$docs"/series/output/admin-guide/abi-*.html &&
			continue
		echo "$name is not in the pages of the ABI"
		bad=1
	done < <(abi_files | sed "s,^,$TREE/," |
		xargs -r sed -n 's,^What:.*/,,p' | sort -u)
	return $bad
}

check_docs() {
	local more

	[[ -f $docs/stock.log && -f $docs/series.log ]] || return
	more=$(comm -13 <(said stock) <(said series) | grep .) || return 0
	echo "$more"
	return 1
}

# check_mentions: Sphinx makes no link, and says nothing, of a page in a text that
# does not exist.
check_mentions() {
	local file page bad=0

	while IFS=: read -r file page; do
		[[ -f $TREE/$page ]] && continue
		echo "$file mentions $page, which is not there"
		bad=1
	done < <(new_files . | (cd "$TREE" && xargs grep -oHE \
		'Documentation/[A-Za-z0-9_./-]+\.(rst|txt)'))
	return $bad
}
