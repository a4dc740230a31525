# SPDX-License-Identifier: GPL-2.0
#
# awk -f maintainers.awk FRAGMENT MAINTAINERS: insert the fragment, one section
# and perhaps comments before it, where the alphabet wants it.  A heading is a
# line after an empty one, with a field such as "M:" in the next line.
#
# The kernel's file is not sorted throughout, so there may be several places
# between a smaller and a greater heading: the one among the likest names wins.

function alike(a, b,   i) {
	for (i = 1; i <= length(a); i++)
		if (substr(a, i, 1) != substr(b, i, 1))
			break
	return i - 1
}

function max(a, b) {
	return a > b ? a : b
}

function consider(number,   likeness) {
	if (last < heading && line[number] > heading) {
		likeness = max(alike(last, heading), alike(line[number], heading))
		if (!place || likeness > best) {
			best = likeness
			place = number
		}
	}
	last = line[number]
}

NR == FNR {
	if (heading == "") {
		if ($0 == "" || /^#/)
			next
		heading = $0
	}
	if ($0 != "")
		section = section $0 "\n"
	next
}

{ line[FNR] = $0 }
FNR > 2 && /^[A-Z]:\t/ && line[FNR - 2] == "" { consider(FNR - 1) }

END {
	for (i = 1; i <= FNR; i++) {
		if (i == place)
			print section
		print line[i]
	}
	if (!place)
		printf "\n%s", section
}
