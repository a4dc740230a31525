#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by style.sh: the kernel's semantic patches, in mode report, by its own
# scripts/coccicheck.  They read copies of our files and of those that hooks
# change, and of the latter also as the stock kernel has them: what they say of
# both is not ours.

cocci=$KB/cocci
rule_seconds=600

# all_rules: with the reports that are wanted; what is in OCaml comes later.
all_rules() {
	find "$TREE/scripts/coccinelle" -name '*.cocci' -exec \
		grep -l 'virtual[[:space:]]\+report' {} + | sort
}

ocaml_rules() {
	all_rules | xargs grep -l 'script:ocaml'
}

# rules: coccinelle compiles what is in OCaml, and the compiler is larger than
# all else that is needed here.
rules() {
	if command -v ocamlopt >/dev/null; then
		all_rules
	else
		all_rules | xargs grep -L 'script:ocaml'
	fi
}

# lay_out_code DIRECTORY FROM: the files that FROM has, beside the headers of
# device-mapper that they include
lay_out_code() {
	local file

	mkdir -p "$cocci/$1/drivers/md"
	cp "$TREE"/drivers/md/*.h "$cocci/$1/drivers/md"
	while read -r file; do
		[[ ! -f $2/$file ]] || install -D -m 644 "$2/$file" "$cocci/$1/$file"
	done < <({
		overlay_files
		hooked_files
	} | grep '\.[ch]$')
}

# known_defect: is reported if reports are seen at all.
known_defect() {
	mkdir -p "$cocci/known"
	cat >"$cocci/known/defect.c" <<-'EOF'
		static void known_defect(void *p)
		{
			if (p)
				kfree(p);
		}
	EOF
}

# run_coccicheck: one rule on each processor, the log of each beside the others'.
# 6.12 and earlier know the directory as KBUILD_EXTMOD, later ones as srcroot.
run_coccicheck() {
	rm -rf "$cocci"
	lay_out_code series "$TREE"
	lay_out_code stock "$KB/pristine"
	known_defect
	mkdir "$cocci/logs"
	# shellcheck disable=SC2016	# expanded by the shell that it is for
	rules | (cd "$cocci" && srctree=$TREE srcroot=$cocci \
		KBUILD_EXTMOD=$cocci LINUXINCLUDE="-I$TREE/include" \
		MODE=report J=1 xargs -P "$(nproc)" -I RULE timeout "$rule_seconds" \
		bash -c 'COCCI=$1 "$srctree/scripts/coccicheck" \
			>"logs/${1##*/}" 2>&1 && touch "logs/${1##*/}.ended"' \
		coccicheck RULE) || :
}

# reports DIRECTORY: with the names of the files, sorted
reports() {
	sed -n "s,^$cocci/$1/\([^ :]*:[0-9].*\),\1,p" "$cocci"/logs/*.cocci |
		sort -u
}

# without_lines: lines move
without_lines() {
	sed -e 's/:[0-9]*:[-0-9]*:/:/' -e 's/\bline [0-9]*/line/g' | sort
}

# check_rules_ended: and read the files, and said what they found
check_rules_ended() {
	local rule bad=0

	for rule in $(rules); do
		[[ -f $cocci/logs/${rule##*/}.ended ]] && continue
		echo "${rule#"$TREE/"} has failed, or took ${rule_seconds} s"
		tail -n 3 "$cocci/logs/${rule##*/}"
		bad=1
	done
	reports known | grep -q defect.c || {
		echo "the rules do not see $cocci/known/defect.c"
		bad=1
	}
	return $bad
}

# check_readable: rules pass over functions that coccinelle cannot read.
check_readable() {
	local file bad=0

	for file in $(new_files '\.c$'); do
		spatch --parse-c "$TREE/$file" 2>/dev/null |
			grep 'perfect = 1' >/dev/null && continue
		echo "coccinelle does not understand all of $file"
		bad=1
	done
	return $bad
}

check_cocci() {
	local more

	more=$(comm -13 <(reports stock | without_lines) \
		<(reports series | without_lines)) || return
	[[ -n $more ]] || return 0
	echo "$more"
	echo "lines and rules are in $cocci/logs"
	return 1
}
