#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by style.sh: what the compiler and sparse say about our files and
# about the lines that hooks add, with the feature and without it.  Each has a
# build directory of its own, so that the kernel under test stays built.

# Objects that must be as good as untouched when the option is off.
off_objects=(dm.o dm-rq.o dm-table.o dm-sysfs.o dm-stats.o)
feature_symbols='rq_barrier|rq_ordered|rq_fua|rq_features'

# A suite of kernel/ is included by what it tests, and has no object of its own.
our_code() {
	overlay_files | grep -E '^(drivers|kernel)/.*\.c$' |
		grep -v '^kernel/.*_kunit\.c$' || :
}

hooked_code() {
	hooked_files | grep '\.c$' || :
}

# copy_config DIRECTORY SED-OPTION...: the tests' configuration with changes.
copy_config() {
	mkdir -p "$1"
	sed "${@:2}" "$UML_DIR/.config" >"$1/wanted.tmp"
	if [[ -f $1/.config ]] && cmp -s "$1/wanted.tmp" "$1/wanted"; then
		return
	fi
	cp "$1/wanted.tmp" "$1/.config"
	kmake "$1" olddefconfig >"$1.log" 2>&1 ||
		die "make olddefconfig failed, see $1.log"
	mv "$1/wanted.tmp" "$1/wanted"
}

# forget DIRECTORY: objects go, so that warnings are said in every run.
forget() {
	local file

	for file in $(our_code) $(hooked_code); do
		rm -f "$1/${file%.c}.o"
	done
}

lint_build() {
	local targets

	mapfile -t targets < <({
		our_code
		hooked_code
	} | grep -v '^drivers/md/' | sed 's/c$/o/')
	copy_config "$KB/lint" -e ''
	forget "$KB/lint"
	kmake "$KB/lint" "-j$(nproc)" -k C=1 W=1 drivers/md/ "${targets[@]}" \
		>"$KB/lint.log" 2>&1 || :
}

# added_lines FILE: numbers of the lines that hooks added, one a line.
added_lines() {
	diff --unchanged-line-format= --old-line-format= \
		--new-line-format=$'%dn\n' "$KB/pristine/$1" "$TREE/$1" || :
}

# our_warnings LOG: warnings and errors in our files and in added lines.
our_warnings() {
	local file line rest

	sed -n "s,^\($TREE/\|[.]*/\(tree/\)\?\)\?\([^ :]*\.[ch]\):\([0-9]*\):\(.*\(warning\|error\): .*\),\3:\4:\5,p" \
		"$1" | sort -u | while IFS=: read -r file line rest; do
		if [[ -f $KB/pristine/$file ]]; then
			added_lines "$file" | grep -x "$line" >/dev/null || continue
		elif [[ ! -f $ROOT/$file ]]; then
			continue
		fi
		echo "$file:$line:$rest"
	done
}

# complain_of LOG GREP-OPTION...: gcc ends its warnings with their option.
complain_of() {
	! our_warnings "$1" | grep "${@:2}"
}

check_sparse() {
	complain_of "$KB/lint.log" -v '\[-W[^]]*\]$'
}

check_gcc() {
	complain_of "$KB/lint.log" '\[-W[^]]*\]$'
}

# missing_objects DIRECTORY OBJECT...: objects that the build did not make.
missing_objects() {
	local object bad=0

	for object in "${@:2}"; do
		[[ -f $1/$object ]] && continue
		echo "$object was not built"
		bad=1
	done
	((bad == 0)) || tail -n 20 "$1.log"
	return $bad
}

check_lint_built() {
	local objects

	mapfile -t objects < <({
		our_code
		hooked_code
	} | sed 's/c$/o/')
	missing_objects "$KB/lint" "${objects[@]}"
}

# off_targets: the objects above and those of hooked files that this
# configuration builds.
off_targets() {
	{
		printf 'drivers/md/%s\n' "${off_objects[@]}"
		hooked_code | sed 's/c$/o/'
	} | sort -u
}

off_build() {
	local targets

	mapfile -t targets < <(off_targets)
	copy_config "$KB/off" -e '/CONFIG_DM_RQ_ORDERED/d' \
		-e '/CONFIG_DM_RQ_BARRIER_/d' \
		-e 's/^CONFIG_DM_RQ_BARRIER=y/# CONFIG_DM_RQ_BARRIER is not set/'
	forget "$KB/off"
	kmake "$KB/off" "-j$(nproc)" -k "${targets[@]}" >"$KB/off.log" 2>&1 || :
}

check_off_built() {
	local objects bad=0

	if grep 'CONFIG_DM_RQ_BARRIER.*=' "$KB/off/.config"; then
		bad=1
	fi
	mapfile -t objects < <(off_targets)
	missing_objects "$KB/off" "${objects[@]}" || bad=1
	return $bad
}

check_off_symbols() {
	local object bad=0

	for object in $(off_targets); do
		nm "$KB/off/$object" | grep -E "$feature_symbols" || continue
		echo "these symbols are in $object"
		bad=1
	done
	return $bad
}

check_off_warnings() {
	complain_of "$KB/off.log" .
}
