#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh [FILE]: not a test but a demonstration, to be read: what a flush of a
# request-based multipath device does, what would be lost without it, and how it
# is kept apart from the writes around it.  Every step checks what it shows.
# The last line is PASS, or FAIL and the reason.  FILE gets the trace of an
# ordered sequence, which tools/tracing/dm-rq-barrier/sequence-plot draws.
#
# packages: fio e2fsprogs

DEMO=1
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

step() {
	echo
	echo "== $*"
}

indent() {
	sed 's/^/     /'
}

# run COMMAND...: show it, do it, show what it says
run() {
	echo "   # $*"
	eval "$*" >"$WORK/said" 2>&1 || {
		indent <"$WORK/said"
		fail "$* failed"
	}
	indent <"$WORK/said"
}

write_plainly() {
	run "printf '%4096s' | tr ' ' $1 |" \
		"dd of=$DMDEV bs=4k seek=$2 oflag=direct iflag=fullblock status=none"
}

show_trace() {
	echo "   the trace of dm_rq_barrier:"
	trace_lines | grep -o 'dm_rq_barrier_.*' | sed 's/ns=.*/ns=.../' | indent
	[[ -n $(trace_lines) ]] || echo "     (nothing)"
}

show_block() {
	local letter

	letter=$(read_block "$1")
	echo "   block $1: ${letter:-lost}"
	expect_is "block $1" "$letter" "$2"
}

disk_with_cache() {
	step "A disk with a volatile write cache, which null_blk plays"
	make_cached_nullb "$DISK"
	run "cat /sys/block/$DISK/queue/write_cache"
	step "A request-based multipath device with that disk as its path"
	run "dmsetup create $NAME --table '$(rq_table "" "$DISK")'"
	at_exit remove_dm "$NAME"
	use_dm "$NAME"
	echo "   Its ordered mode: flushes are carried out by rounds."
	run "cat /sys/block/$DM/dm/rq_ordered"
	expect_is "rq_ordered" "$(show_mode)" "none [flush] drain_flush"
}

write_without_flush() {
	step "Write block 1 and wait until it is written, no more than that"
	trace_start dm_rq_barrier
	mark
	write_plainly A 1
	show_trace
	expect_moved rounds=0
	echo "   Nobody asked for a flush: the block is in the cache."
}

write_and_flush() {
	step "Write block 2, and then fsync: one round, one flush command"
	write_plainly B 2
	run "sync $DMDEV"
	trace_stop
	show_trace
	run "grep -E 'rounds|clones|commands|errors' /sys/block/$DM/dm/rq_barrier_stats"
	expect_moved rounds=1 clones=1 commands=1 errors=0
	echo "   A flush is for all that was written before it: block 1 as well."
}

cut_the_power() {
	step "Write block 3, and cut the power before anybody flushes"
	write_plainly C 3
	run "echo 0 >$NULLB_CONFIG/$DISK/power"
	must dmsetup remove --retry "$NAME"
	power_on "$DISK"
	must dmsetup create "$NAME" --table "$(rq_table "" "$DISK")"
	use_dm "$NAME"
	echo "   The power is back.  What is on the disk?"
	show_block 1 A
	show_block 2 B
	show_block 3 ""
}

two_paths() {
	step "A LUN with two paths, which scsi_debug plays; flushes fail on the first"
	make_scsi_paths 2
	A=${SCSI_PATHS[0]}
	B=${SCSI_PATHS[1]}
	make_mpath "${NAME}_2" "" "$A" "$B"
	inject_transport_error "$A"
	trace_start dm_rq_barrier
	run "sync $DMDEV"
	run "sync $DMDEV"
	trace_stop
	show_trace
	echo "   $A is $(dev_of "$A"), $B is $(dev_of "$B")."
	expect_is "path $A" "$(path_state "$A")" "F 1"
	inject_nothing "$A"
	echo "   Multipath failed $A, and the flush was repeated on $B: no error."
}

rejected_flush() {
	step "The disk says that it does not know the flush command"
	can_inject || {
		echo "   Left out: $NO_INJECTION."
		return
	}
	inject_illegal_request "$B"
	trace_start dm_rq_barrier
	mark
	flush_dm
	trace_stop
	show_trace
	expect_moved rejected=1 errors=1
	trace_lines | grep -q "round_end: .* error=-95 " || fail "no error -95"
	expect_log "path $B rejects cache flushes"
	echo "   the kernel log:"
	kernel_log | grep -o "path $B rejects.*" | head -n 1 | indent
	echo "   Who asked for the flush gets error 95, EOPNOTSUPP, and can act on it."
}

# Four programs write and one reads behind the end of the file system, in which
# one writes and calls fsync.  The writers pause for different times, so that
# they do not end up in step.
write_load() {
	local i

	cat >"$1" <<-EOF
		[global]
		thread
		bs=4k
		[fsync]
		directory=$MNT
		rw=write
		size=4k
		end_fsync=1
		[global]
		filename=$DMDEV
		allow_mounted_write=1
		invalidate=0
		direct=1
		offset=4M
		size=64k
		number_ios=4
		[reader]
		rw=randread
		thinktime=20ms
	EOF
	for i in 4 5 6 7; do
		printf '[writer]\nrw=write\noffset=%sM\nthinktime=%sms\n' \
			"$i" $((i * 2))
	done >>"$1"
}

slow_paths() {
	step "Mode drain_flush: a LUN with two paths and a file system"
	set_default_mode drain_flush
	make_scsi_paths 2
	make_mpath "${NAME}_3" "" "${SCSI_PATHS[@]}"
	at_exit eval "echo 0 >$SDEBUG/delay"
	run "cat /sys/block/$DM/dm/rq_ordered"
	expect_is "rq_ordered" "$(show_mode)" "none flush [drain_flush]"
	MNT=$WORK/mnt
	mkdir "$MNT"
	must mkfs.ext4 -q -F "$DMDEV" 4M
	must mount -t ext4 -o noinit_itable "$DMDEV" "$MNT"
	at_exit umount "$MNT"
	write_load "$WORK/load.fio"
	must fio --create_only=1 --output=/dev/null "$WORK/load.fio"
	must sync
	echo 30000000 >"$SDEBUG/ndelay" || fail "scsi_debug cannot be slow"
	echo "   The paths are slow: 30 ms for a write, 50 ms for a flush."
}

# Events of the sequencer, without what may happen at any time.
steps_of_sequence() {
	trace_lines | grep -oE 'dm_rq_barrier_[a-z_]+' |
		grep -vE '_(hold|map|clone_end)$' | sed 's/dm_rq_barrier_//' |
		paste -sd ' '
}

# Writes in flight on the device while a round is under way
writes_in_rounds() {
	trace_lines | awk -v dev="$(dev_of "$DM" | tr : ,)" '
		$0 ~ "block_rq_issue: " dev " W" { writes++ }
		$0 ~ "block_rq_complete: " dev " W.* [+] [1-9]" { writes-- }
		/round_start:/ { round = 1 }
		/round_end:/ { round = 0 }
		round && writes'
}

# show_sequence [FILE]: FILE gets the trace.
show_sequence() {
	local flush="(drain )?drained round_start round_end "
	local barrier="io io_end round_start round_end "

	step "Four programs write, one reads, and one writes and calls fsync"
	trace_start dm_rq_barrier block:block_rq_{issue,complete,requeue}
	echo mono >"$TRACE/trace_clock" || fail "no trace clock mono"
	must fio --output=/dev/null "$WORK/load.fio"
	trace_stop
	show_trace
	expect_match "the order" "$(steps_of_sequence) " \
		"^(gate_close ($flush($barrier)?(release )?)+gate_open )+$"
	expect_match "the steps" "$(steps_of_sequence)" "$barrier"
	expect_is "writes in flight during a round" "$(writes_in_rounds)" ""
	echo "   The file system commits with a barrier.  The gate closes, and the"
	echo "   writes in flight end.  Then pre-flush, barrier I/O and post-flush."
	echo "   $(trace_lines | grep -c "hold: .* write") writes that came meanwhile" \
		"were held: none was in flight with a flush."
	[[ -z ${1:-} ]] || must dd if="$TRACE/trace" of="$1" conv=fsync status=none
}

DISK=${NAME}n0
echo "$LOG_MARK" >/dev/kmsg
set_default_mode flush
disk_with_cache
write_without_flush
write_and_flush
cut_the_power
two_paths
rejected_flush
slow_paths
show_sequence "$@"
echo
echo "verdict: what was flushed survived, what was not was lost, failures were" \
	"seen, and no write got between"
echo PASS
