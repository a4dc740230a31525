#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make run: show the barriers at work.  demo.sh, beside the selftests, is run
# in a guest, its output shown as it comes, the kernel's messages only logged.
# What it says last behind "verdict: " becomes part of the verdict.  The trace
# that it leaves on its first disk becomes a picture.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=packages.sh
. scripts/packages.sh
# shellcheck source=header.sh
. scripts/header.sh

demo=$TREE/$SELFTESTS/demo.sh
boot_dir=$KB/boot/demo
trace=$KB/demo/sequence.trace
picture=$KB/demo/sequence.svg
export OUTPUT=$KB/selftests

draw_sequence() {
	/usr/bin/python3 tools/tracing/dm-rq-barrier/sequence-plot \
		"$trace" "$picture"
	step "the last step as a picture: $picture"
}

take_lock
sub uml.sh
[[ -x $demo ]] || die "there is no $SELFTESTS/demo.sh that can be executed"
# shellcheck disable=SC2046	# a list of words
need_packages "the demonstration" dmsetup kmod mount iproute2 \
	python3-matplotlib $(header "$demo" packages)
rm -rf "$boot_dir" "$KB/demo"
mkdir -p "$boot_dir" "$KB/demo"
limit=$(header "$demo" timeout)
mem=$(header "$demo" mem)
args=$(uml_arguments "$demo" "$boot_dir" | paste -sd ' ')
args+=" $(ubd_arguments "$boot_dir" 1 4M)"
step "booting $UML_DIR/linux"
begin=$EPOCHSECONDS
status=0
MEM=${MEM:-$mem} UML_ARGS="$args ${UML_ARGS:-}" BOOT_DIR=$boot_dir STREAM=1 \
	scripts/boot-uml.sh "${limit:-180}" "$demo" /dev/ubda |
	sed -u '/^verdict: /d' || status=${PIPESTATUS[0]}
tr -d '\0' <"$boot_dir/ubda.img" >"$trace"
rm -f "$boot_dir"/ubd?.img
step "the demonstration took $((EPOCHSECONDS - begin)) s," \
	"the kernel's messages are in $boot_dir/console.log"
said=$(sed -n 's/^verdict: //p' "$boot_dir/output.log" | tail -n 1)
((status != 0)) || draw_sequence
case $status in
0) verdict "barriers work: ${said:-demo.sh passed and the kernel did not complain}" ;;
4) verdict "FAILED: demo.sh could not run here${said:+: $said}" && exit 1 ;;
*) verdict "FAILED: ${said:-demo.sh ended with status $status}" && exit 1 ;;
esac
