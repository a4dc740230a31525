#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced: the kernels for QEMU, one for each way of looking for what goes wrong
# between processors.  $SANITIZER names it: kasan, which has lockdep as well, or
# kcsan, which looks for data races.

# shellcheck source=config.sh
. scripts/config.sh

export SANITIZER=${SANITIZER:-kasan}
SMP_DIR=$KB/smp-$SANITIZER
export SMP_KERNEL=$SMP_DIR/arch/x86/boot/bzImage

[[ -f scripts/smp-$SANITIZER.config ]] ||
	die "SANITIZER=$SANITIZER is not supported; there are:" \
		"$(cd scripts && printf '%s\n' smp-*.config |
			sed 's/smp-//; s/.config//' | paste -sd ' ')"

# The objects of the files that the series adds or hooks, by name
our_objects() {
	{
		overlay_files
		hooked_files
	} | sed -n 's,^drivers/md/\(dm[^/]*\)[.]c$,\1.o,p'
}

# KCSAN looks at few of all accesses.  So that those are ours, it sees no others.
if [[ $SANITIZER == kcsan ]]; then
	make_options+=(KCSAN_SANITIZE=n)
	for object in $(our_objects); do
		make_options+=("KCSAN_SANITIZE_$object=y")
	done
fi

# smp_make [ARGUMENTS]: the kernel's make for QEMU
smp_make() {
	make -C "$TREE" ARCH=x86_64 "O=$SMP_DIR" "${make_options[@]}" "$@"
}

# The last fragment that mentions an option has its way.  What user mode Linux
# lacks and a machine has is in those of this directory.
fragments() {
	grep -hvxF -f <(lacking) "${asked[@]}"
	cat scripts/smp.config "scripts/smp-$SANITIZER.config"
	[[ ! -f patches/$KERNEL/smp.config ]] || cat "patches/$KERNEL/smp.config"
}

# not_as_wanted: options that .config does not have as the fragments want them
not_as_wanted() {
	awk '
	FNR == 1 { file++ }
	match($0, /^CONFIG_[A-Za-z0-9_]*=/) {
		option = substr($0, 1, RLENGTH - 1)
		if (file == 1)
			wanted[option] = $0
		else
			has[option] = $0
	}
	/^# CONFIG_[A-Za-z0-9_]* is not set$/ && file == 1 {
		wanted[$2] = ""
	}
	END {
		for (option in wanted)
			if (wanted[option] != has[option])
				print wanted[option] ? wanted[option] : "no " option
	}' "$1" "$SMP_DIR/.config" | sort
}

configure_smp() {
	local log=$SMP_DIR.config.log wanted=$SMP_DIR/wanted missing

	mkdir -p "$SMP_DIR"
	fragments >"$wanted"
	smp_make "KCONFIG_ALLCONFIG=$wanted" allnoconfig >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "the kernel could not be configured, see $log"
	}
	missing=$(not_as_wanted "$wanted")
	[[ -z $missing ]] ||
		die "these options did not make it into .config: ${missing//$'\n'/, }"
}
