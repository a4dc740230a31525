#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: what a test says about itself in its leading comments.

# header FILE KEY: the text behind each "# KEY: " of FILE's first comments.
header() {
	sed -n "/^#/!q; s/^# $2: *//p" "$1"
}

# ubd_arguments DIRECTORY COUNT SIZE: make sparse files to back ubda, ubdb, ...
# and say the kernel arguments that attach them.
ubd_arguments() {
	local i letter letters=abcdefghijklmnop

	for ((i = 0; i < $2; i++)); do
		letter=${letters:i:1}
		truncate -s "$3" "$1/ubd$letter.img"
		echo "ubd$letter=$1/ubd$letter.img"
	done
}

# uml_arguments FILE DIRECTORY: kernel arguments that the test asks for.
uml_arguments() {
	local words

	header "$1" uml | while read -ra words; do
		if [[ ${words[0]:-} == ubd-files ]]; then
			ubd_arguments "$2" "${words[1]}" "${words[2]}"
		else
			echo "${words[@]}"
		fi
	done
}
