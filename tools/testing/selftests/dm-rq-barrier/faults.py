#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Have a path of a multipath device fail in one way at each step of I/O.

    faults.py NAME DISK A B MOUNT BLOCK KIND STEP...

NAME is a multipath device with queue_if_no_path and one group for each of the
scsi_debug disks A and B, DISK its dm-N, MOUNT where an XFS on it is mounted,
and from BLOCK on nobody uses its blocks of 4 KiB.

For each STEP the command that path A is given there fails as KIND says, and
what comes of that is compared with what tables below say: who is told and what,
whether it costs the path, and what is counted.  In the end nothing is held, a
flush works, and what was acknowledged can be read.

The steps of an ordered sequence are come to without a clock: as long as no path
is left everybody waits, so a path that fails at each step stops there.
"""

import errno
import fcntl
import mmap
import os
import re
import struct
import subprocess
import sys
import threading
import time
import traceback
from typing import NamedTuple

from disturb import Mapper, read_file, write_file

DEBUGFS = "/sys/kernel/debug/scsi_debug"
TRACE = "/sys/kernel/tracing/instances/dm_rq_barrier/trace"
TABLE_STATUS = 12
BLKDISCARD, BLKZEROOUT = 0x1277, 0x127f
BLOCK = 4096
# When to give up.  The longest that anything takes on purpose is a few seconds.
PATIENCE = 60

READ, WRITE, FLUSH, UNMAP, WRITE_SAME = 0x28, 0x2a, 0x35, 0x42, 0x93
READ_16, WRITE_16 = 0x88, 0x8a
SIXTEEN = {READ: READ_16, WRITE: WRITE_16}

# What becomes of a command that fails: it costs the path, and dm has another
# one try; the SCSI layer tries again and nobody is told; the driver does not
# take it, and dm offers it again.  Otherwise an errno, which the submitter
# gets: no other path could do better (blk_path_error()).
PATH, SCSI, BUSY = "path error", "tried again by SCSI", "not taken"


class Kind(NamedTuple):
    """Rules for scsi_debug ("*" is the opcode), and what becomes of it."""
    fate: object
    rules: tuple


def sense(key, asc, ascq):
    return (f"2 -1 * 0 0 0x02 {key:#x} {asc:#x} {ascq:#x}",)


def status(byte):
    return (f"2 -1 * 0 0 {byte:#x} 0 0 0",)


def host(byte):
    return (f"2 -1 * {byte:#x} 0 0 0 0 0",)


# "0" is a command without an answer, "3" an abort that fails, "4" a reset of
# the LUN that fails; the target takes a reset.
KINDS = {
    "transport-error": Kind(PATH, host(0x0f)),
    "no-connection": Kind(PATH, host(0x01)),
    "not-ready": Kind(PATH, sense(2, 0x04, 0x03)),
    "becoming-ready": Kind(SCSI, sense(2, 0x04, 0x01)),
    "unit-attention": Kind(SCSI, sense(6, 0x29, 0)),
    "aborted-command": Kind(SCSI, sense(0xb, 0, 0)),
    "soft-error": Kind(SCSI, host(0x0b)),
    "busy": Kind(SCSI, status(0x08)),
    "task-set-full": Kind(SCSI, status(0x28)),
    "host-busy": Kind(BUSY, ("1 -1 * 0x1055",)),
    "device-busy": Kind(BUSY, ("1 -1 * 0x1056",)),
    # for want of an opcode SCSI tries READ(6) and WRITE(6), so a field is wrong
    "illegal-request": Kind(errno.EREMOTEIO, sense(5, 0x24, 0)),
    "hardware-error": Kind(errno.EREMOTEIO, sense(4, 0x44, 0)),
    "medium-error": Kind(errno.ENODATA, sense(3, 0x11, 0)),
    "reservation-conflict": Kind(errno.EBADE, status(0x18)),
    "no-space": Kind(errno.ENOSPC, sense(7, 0x27, 0x07)),
    "timeout": Kind(SCSI, ("0 -1 *",)),
    "abort-fails": Kind(SCSI, ("3 -1 *", "0 -1 *")),
    "reset-fails": Kind(SCSI, ("3 -1 *", "4 -1 *", "0 -1 *")),
}

STOP = host(0x0f)


class Step(NamedTuple):
    """Who is hit, and by which command.  The others of a sequence are those of
    @drained and @held, and the file system that has a file synced."""
    victim: str
    opcode: int
    drained: str = "write"
    held: str = "write"
    stops: tuple = ()


STEPS = {
    "drained-write": Step("drained", WRITE),
    "drained-discard": Step("drained", UNMAP, drained="discard"),
    "drained-zeroes": Step("drained", WRITE_SAME, drained="zeroes"),
    "pre-flush": Step("sync", FLUSH),
    "barrier-io": Step("sync", WRITE, stops=(FLUSH,)),
    "post-flush": Step("sync", FLUSH, stops=(FLUSH, WRITE)),
    "held-write": Step("held", WRITE, stops=(FLUSH, WRITE, FLUSH)),
    "held-discard": Step("held", UNMAP, held="discard"),
    "held-zeroes": Step("held", WRITE_SAME, held="zeroes"),
    "read-in-sequence": Step("reader", READ, stops=(FLUSH,)),
}
# Without a sequence around
SINGLE = {
    "read": ("read", READ),
    "write": ("write", WRITE),
    "discard": ("discard", UNMAP),
    "zeroes": ("zeroes", WRITE_SAME),
    "flush": ("flush", FLUSH),
    "fua-write": ("fua", WRITE),
    "fua-flush": ("fua", FLUSH),
}


class Hangs(Exception):
    """Nothing more can be tested."""


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Hangs(what)
        time.sleep(0.002)


class Io(threading.Thread):
    """A system call that waits; its errno, or 0, is in error."""

    def __init__(self, function, *args):
        super().__init__(daemon=True)
        self.call = function, args
        self.error = None
        self.start()

    def run(self):
        function, args = self.call
        try:
            function(*args)
            self.error = 0
        except OSError as error:
            self.error = error.errno


class Disk:
    """The multipath device as those see it who use it."""

    def __init__(self, disk, block):
        self.name = disk
        self.fd = os.open(f"/dev/{disk}", os.O_RDWR | os.O_DIRECT)
        self.flush_fd = os.open(f"/dev/{disk}", os.O_RDWR)
        self.next = block

    def new_block(self):
        self.next += 1
        return self.next - 1

    @staticmethod
    def content(block, operation):
        if operation in ("discard", "zeroes"):
            return bytes(BLOCK)
        return f"{operation} {block} ".ljust(16).encode() * (BLOCK // 16)

    def write(self, block, operation="write", flags=0):
        with mmap.mmap(-1, BLOCK) as buffer:
            buffer.write(self.content(block, operation))
            os.pwritev(self.fd, [buffer], block * BLOCK, flags)

    def read(self, block):
        with mmap.mmap(-1, BLOCK) as buffer:
            os.preadv(self.fd, [buffer], block * BLOCK)
            return buffer[:]

    def do(self, operation, block):
        """What an operation that is named so does to a block."""
        if operation == "write":
            self.write(block)
        elif operation == "fua":
            self.write(block, operation, os.RWF_DSYNC)
        elif operation == "read":
            if self.read(block) != self.content(block, "fill"):
                raise OSError(errno.EILSEQ, "not what was written")
        elif operation == "flush":
            os.fsync(self.flush_fd)
        else:
            request = BLKDISCARD if operation == "discard" else BLKZEROOUT
            fcntl.ioctl(self.fd, request,
                        struct.pack("2Q", block * BLOCK, BLOCK))


class Multipath(Mapper):
    """The same device for those who manage it."""

    def __init__(self, name, paths):
        super().__init__(name)
        # a file system that is frozen writes its log
        self.freezes = False
        self.numbers = {path: read_file(f"/sys/block/{path}/dev")
                        for path in paths}

    def fail(self, path):
        self.message(f"fail_path {self.numbers[path]}")

    def reinstate(self, path):
        self.message(f"reinstate_path {self.numbers[path]}")

    def failed(self, path):
        request = self.request(TABLE_STATUS, data=bytes(4096))
        fcntl.ioctl(*request)
        text = request[-1].decode("ascii", "replace")
        return re.search(fr"\b{self.numbers[path]} ([AF]) \d+", text)[1] == "F"


class Faults:
    """Rules for the commands of one path."""

    def __init__(self, path):
        device = os.path.realpath(f"/sys/block/{path}/device")
        self.file = f"{DEBUGFS}/{os.path.basename(device)}/error"
        self.rules = []

    def arm(self, rules, opcode):
        for rule in rules:
            rule = rule.replace("*", f"{opcode:#x}")
            write_file(self.file, rule)
            self.rules.append(rule.split())

    def disarm(self):
        """Which of the rules that make a command fail was not used?"""
        left = [line.split() for line in read_file(self.file).split("\n")]
        unused = None
        for number, _, opcode, *_ in self.rules:
            write_file(self.file, f"- {number} {opcode}")
            for entry in left:
                if entry[0] == number and entry[2] == opcode and \
                        entry[1] != "0":
                    unused = f"no command {opcode} came to the rule {number}"
        self.rules = []
        return unused


class Outcome:
    """What the tables say."""

    def __init__(self, kind, victim, opcode, stops):
        self.kind = kind
        self.victim = victim
        self.opcode = opcode
        self.flush = opcode == FLUSH
        self.hard = kind.fate not in (PATH, SCSI, BUSY)
        # with a flush that waits for a path, how often it is tried is a matter
        # of time
        self.requeues_known = not stops or stops[-1] != FLUSH

    def error(self, victim):
        """For the submitter"""
        if not self.hard or victim != self.victim:
            return 0
        if victim == "sync":
            return errno.EIO    # XFS does not say more
        rejects = self.kind.fate == errno.EREMOTEIO
        if self.flush and rejects:
            # the fsync of a block device takes that for nothing to flush
            return 0 if victim == "flush" else errno.EOPNOTSUPP
        # SCSI and dm learn that there is no such command, and the kernel writes
        # zeroes instead
        if self.opcode == WRITE_SAME and self.unsupported():
            return 0
        return self.kind.fate

    def unsupported(self):
        return self.kind is KINDS["illegal-request"] and \
            self.opcode in (UNMAP, WRITE_SAME)

    def counters(self):
        hard = int(self.flush and self.hard)
        return {"errors": hard,
                "rejected": hard * (self.kind.fate == errno.EREMOTEIO)}

    def requeues(self):
        """Lowest and highest"""
        if not self.flush or self.kind.fate not in (PATH, BUSY):
            return (0, 0) if self.requeues_known else (0, sys.maxsize)
        return 1, sys.maxsize


class Test:
    """All that a step needs."""

    def __init__(self, name, disk, paths, mount, block):
        self.disk = Disk(disk, int(block))
        self.mpath = Multipath(name, paths)
        self.faults = Faults(paths[0])
        self.paths = paths
        self.mount = mount
        self.number = read_file(f"/sys/block/{disk}/dev").replace(":", ",")
        self.sixteen = int(read_file(f"/sys/block/{disk}/size")) >> 32
        self.files = []
        self.ios = {}
        self.wrong = []

    # --- what the kernel says

    def counters(self):
        text = read_file(f"/sys/block/{self.disk.name}/dm/rq_barrier_stats")
        pairs = (line.split() for line in text.split("\n"))
        return {name: int(value) for name, value in pairs}

    def requeued(self, block):
        regex = (fr"block_rq_requeue: {self.number} .*"
                 fr"\) {block * BLOCK // 512} \+ ")
        with open(TRACE, encoding="ascii") as file:
            return re.search(regex, file.read())

    # --- what is done

    def reinstate(self, *paths):
        for path in paths:
            self.mpath.reinstate(path)

    def start(self, who, operation, block):
        self.ios[who] = (Io(self.disk.do, operation, block), operation, block)

    def start_without_path(self, who, operation, block):
        self.start(who, operation, block)
        wait_for(f"{who} {operation} does not wait for a path",
                 lambda: self.requeued(block))

    def end_all(self):
        for who, (io, operation, _) in self.ios.items():
            wait_for(f"{who} {operation}", lambda io=io: not io.is_alive())

    def new_block(self, operation):
        """One that has something in it, if that is to be read or removed"""
        block = self.disk.new_block()
        if operation in ("read", "discard", "zeroes"):
            self.disk.write(block, "fill")
        return block

    def stop_at(self, opcode):
        """Path A takes what comes before that command, and fails with it."""
        self.faults.arm(STOP, opcode)
        self.reinstate(self.paths[0])
        wait_for(f"no stop at {opcode:#x}",
                 lambda: self.mpath.failed(self.paths[0]))
        self.expect("the stop", self.faults.disarm(), None)

    def sequence(self, kind, step):
        """A write, the commit of a file system behind it, another write behind
        that, and a read meanwhile."""
        name = f"{self.mount}/{os.getpid()}.{self.disk.new_block()}"
        file = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        blocks = [self.new_block(what)
                  for what in (step.drained, step.held, "read")]
        for path in self.paths:
            self.mpath.fail(path)
        was = self.counters()
        self.start_without_path("drained", step.drained, blocks[0])
        self.ios["sync"] = (Io(os.fsync, file), "", None)
        wait_for("no drain",
                 lambda: self.counters()["drained"] > was["drained"])
        self.start("held", step.held, blocks[1])
        wait_for("nothing is held", lambda: self.counters()["held"] == 2)
        for opcode in step.stops:
            self.stop_at(opcode)
        self.start_without_path("reader", "read", blocks[2])
        self.faults.arm(kind.rules, step.opcode)
        self.before = self.counters()
        self.reinstate(*self.paths)
        self.end_all()
        os.close(file)
        if not self.ios["sync"][0].error:
            self.files.append(name)

    def single(self, kind, operation, opcode):
        """Nothing else"""
        block = self.new_block(operation)
        self.faults.arm(kind.rules, opcode)
        self.before = self.counters()
        self.start(operation, operation, block)
        self.end_all()

    # --- what came of it

    def expect(self, what, actual, wanted):
        if actual != wanted:
            self.wrong.append(f"{what}: {actual} instead of {wanted}")

    def check(self, outcome):
        now = self.counters()
        moved = {name: now[name] - self.before[name] for name in now}
        for who, (io, _, _) in self.ios.items():
            self.expect(f"{who} ended with", io.error, outcome.error(who))
        for name, wanted in outcome.counters().items():
            self.expect(name, moved[name], wanted)
        least, most = outcome.requeues()
        if not least <= moved["requeues"] <= most:
            self.expect("requeues", moved["requeues"], f"{least} to {most}")
        self.expect("held", now["held"], 0)
        self.expect("path A fails", self.mpath.failed(self.paths[0]),
                    outcome.kind.fate is PATH)
        self.expect("path B fails", self.mpath.failed(self.paths[1]), False)
        self.expect("the fault", self.faults.disarm(), None)

    def check_blocks(self):
        """Those that somebody was told about"""
        for who, (io, operation, block) in self.ios.items():
            if block is not None and not io.error and operation != "flush" \
                    and operation != "read":
                self.expect(f"block of {who}", self.disk.read(block)[:16],
                            self.disk.content(block, operation)[:16])

    def recover(self, outcome):
        """As it was before"""
        self.reinstate(*self.paths)
        self.mpath.message("switch_group 1")
        self.disk.do("flush", None)
        if outcome.unsupported():
            self.support_again()
        if "sync" in self.ios and self.ios["sync"][0].error:
            subprocess.run(["umount", self.mount], check=True)
            self.mount_again()
        self.ios = {}

    def give_up(self):
        """Let go of whoever can be let go of."""
        self.faults.disarm()
        self.reinstate(*self.paths)

    def support_again(self):
        """What SCSI and dm have learned they forget again.  dm takes the limits
        of its paths when it puts a table in place, but newer kernels keep what
        the queue has if that happens after a suspend with noflush.
        """
        for name, value in (("provisioning_mode", "unmap"),
                            ("max_write_same_blocks", "65535")):
            disk, = os.listdir(f"/sys/block/{self.paths[0]}/device/scsi_disk")
            write_file(f"/sys/class/scsi_disk/{disk}/{name}", value)
        table = subprocess.run(["dmsetup", "table", self.mpath.name],
                               check=True, capture_output=True).stdout
        subprocess.run(["dmsetup", "load", self.mpath.name], check=True,
                       input=table)
        self.mpath.suspend(False)
        self.mpath.resume()
        for name in ("discard_max_bytes", "write_zeroes_max_bytes"):
            if read_file(f"/sys/block/{self.disk.name}/queue/{name}") == "0":
                raise Hangs(f"{name} stays 0")

    def mount_again(self):
        subprocess.run(["mount", f"/dev/{self.disk.name}", self.mount],
                       check=True)

    def check_files(self):
        """Files that were synced are there when all is forgotten."""
        if not self.files:
            return
        subprocess.run(["umount", self.mount], check=True)
        check = subprocess.run(["xfs_repair", "-n", f"/dev/{self.disk.name}"],
                               check=False, capture_output=True)
        self.expect("xfs_repair", check.returncode, 0)
        self.mount_again()
        for name in self.files:
            self.expect(f"file {name}", os.path.exists(name), True)

    def run(self, kind, step):
        if step in SINGLE:
            victim, opcode = SINGLE[step]
            stops = ()
        else:
            victim, opcode, *_, stops = STEPS[step]
        if self.sixteen:
            opcode = SIXTEEN.get(opcode, opcode)
        outcome = Outcome(kind, victim, opcode, stops)
        if step in SINGLE:
            self.single(kind, victim, opcode)
        else:
            self.sequence(kind, STEPS[step])
        self.check(outcome)
        self.check_blocks()
        self.recover(outcome)


def main():
    name, disk, a, b, mount, block, kind, *steps = sys.argv[1:]
    test = Test(name, disk, [a, b], mount, block)
    test.mpath.message("switch_group 1")
    status = 0
    for step in steps:
        try:
            test.run(KINDS[kind], step)
        except Exception:
            print(f"{kind} at {step}: gives up: {traceback.format_exc()}",
                  flush=True)
            test.give_up()
            return 1
        for wrong in test.wrong:
            print(f"{kind} at {step}: {wrong}")
            status = 1
        test.wrong = []
    test.check_files()
    for wrong in test.wrong:
        print(f"{kind}: in the end: {wrong}")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
