#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: configure the one kernel that KUnit and the selftests share, by the
# kernel's own kunit.py.  It merges both fragments and fails on options that
# the result lacks.

kunitconfig=$KB/kunit.config
selftestconfig=$KB/selftest.config
asked=("$TREE/drivers/md/tests/.kunitconfig" "$TREE/$SELFTESTS/config")
# options, as they are asked for, that kernels of this line do not have
lacks=patches/$KERNEL/config.lacks
make_options=("CC=ccache gcc")

# Objects are cached beside them, unless the user has a cache already.
setup_ccache() {
	if [[ -z ${CCACHE_DIR:-} && ! -e ~/.ccache &&
		! -e ~/.cache/ccache && ! -e ~/.config/ccache ]]; then
		export CCACHE_DIR=$BUILD/ccache
	fi
}

need_compiler() {
	need_packages "building the kernel" gcc make libc6-dev flex bison bc \
		libelf-dev libssl-dev ccache python3 perl cpio
}

# kunit.py with our configuration and build directory, for all its commands.
kunit=$TREE/tools/testing/kunit/kunit.py
kunit_options=("--build_dir=$UML_DIR" "--kunitconfig=$kunitconfig"
	"--kunitconfig=$selftestconfig" --make_options "${make_options[@]}")

# kmake DIRECTORY [ARGUMENTS]: the kernel's make for user mode Linux.
kmake() {
	make -C "$TREE" ARCH=um "O=$1" "${make_options[@]}" "${@:2}"
}

# lacking: the lines of $lacks without its comments
lacking() {
	[[ ! -f $lacks ]] || grep -E '^(# )?CONFIG_[A-Za-z0-9_]+( is not set|=)' "$lacks"
}

# make_fragments: what is asked for, without what this line does not have.  Who
# lists as lacking what nobody asks for does not know why any more.
make_fragments() {
	local option

	while read -r option; do
		grep -qxF -- "$option" "${asked[@]}" ||
			die "$lacks: nothing asks for $option"
	done < <(lacking)
	grep -vxF -f <(lacking) "${asked[0]}" >"$kunitconfig"
	grep -vxF -f <(lacking) "${asked[1]}" >"$selftestconfig"
}

# lacked_present DIRECTORY: options that are listed as lacking and were set all
# the same: this kernel has them.
lacked_present() {
	local option

	lacking | sed '/^#/d' | while read -r option; do
		! grep -qxF -- "$option" "$1/.config" || echo "$option"
	done
}

# requested_missing DIRECTORY: options that were asked for and are not set as
# asked.  kunit.py looks at the configuration it has just made; this also sees
# an old one that a changed Kconfig has overtaken.
requested_missing() {
	local option

	sed -n 's/^\(CONFIG_[A-Za-z0-9_]*=.*\)/\1/p' \
		"$kunitconfig" "$selftestconfig" | sort -u |
		while read -r option; do
			grep -qxF -- "$option" "$1/.config" || echo "$option"
		done
}

# A .config keeps the defaults that Kconfig had when it was made.
forget_old_defaults() {
	local kconfig=$TREE/drivers/md/Kconfig.dm-rq-barrier
	local seen=$UML_DIR/Kconfig.seen

	cmp -s "$kconfig" "$seen" && return
	rm -f "$UML_DIR/.config"
	mkdir -p "$UML_DIR"
	cp "$kconfig" "$seen"
}

configure() {
	local log=$KB/config.log missing present

	[[ -f ${asked[0]} && -f ${asked[1]} ]] ||
		die "the tree lacks ${asked[0]#"$TREE"/} or $SELFTESTS/config"
	make_fragments
	forget_old_defaults
	"$kunit" config "${kunit_options[@]}" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the kernel could not be configured as requested, see $log"
	}
	# what it lacks cannot be set, or it does not lack it
	lacking | sed '/^#/d' >>"$UML_DIR/.config"
	kmake "$UML_DIR" olddefconfig >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "make olddefconfig failed, see $log"
	}
	missing=$(requested_missing "$UML_DIR")
	[[ -z $missing ]] ||
		die "these options did not make it into .config: ${missing//$'\n'/, }"
	present=$(lacked_present "$UML_DIR")
	[[ -z $present ]] ||
		die "$lacks: this kernel has ${present//$'\n'/, }"
}

# configure_variant DIRECTORY LOG MAKE CHECK: a kernel of that directory with the
# options of standard input, by the command MAKE.  What CHECK prints is wrong.
configure_variant() {
	local wrong

	mkdir -p "$1"
	cat >"$1/wanted.tmp"
	cmp -s "$1/wanted.tmp" "$1/wanted" && [[ -f $1/.config ]] && return
	cp "$1/wanted.tmp" "$1/.config"
	"$3" olddefconfig >"$2" 2>&1 || {
		tail -n 20 "$2" >&2
		die "the kernel could not be configured, see $2"
	}
	wrong=$("$4")
	[[ -z $wrong ]] ||
		die "the configuration is not as wanted: ${wrong//$'\n'/, }"
	mv "$1/wanted.tmp" "$1/wanted"
}
