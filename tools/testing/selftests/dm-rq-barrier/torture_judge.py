# SPDX-License-Identifier: GPL-2.0
"""What has to be on a disk after its power was cut, and what is.

Three things tell: the log of torture-load, the trace of the multipath device,
and the blocks that are there.

  durable  A write that was acknowledged as durable is there, or a later one to
           the same block.  Acknowledged is a write with RWF_DSYNC that has
           completed, and each write that had when an fdatasync began which
           succeeded.
  intact   A block is zero or has what one of its writes put there, in full.

In mode drain_flush also, where "reached" is about dm's queue_rq:

  before   When a flush has completed with success on the multipath device,
           each write that had reached it before that flush is there, also
           those that nobody waited for.
  after    A write that reached it after a flush is only there if all those
           that had before are, whether the flush has completed or not.

The trace has block_rq_issue, block_rq_requeue and block_rq_complete of the
multipath device, and dm_rq_barrier_hold: a request reaches dm when it is held,
or else when it is issued.  One that is only requeued was refused, because the
device is suspended: who comes first then is decided again when it is resumed.
dm_rq_barrier_io tells which flush is a post-flush.

A write with RWF_DSYNC proves nothing for "after": dm may let one join a sequence
that others wait for (see drivers/md/dm-rq-ordered.c).
"""

import re
import struct
import zlib
from collections import Counter

BLOCK = 4096
SECTORS = BLOCK // 512
STAMP = struct.Struct("QQQII")
MAGIC = 0x72746f74716d6472
ISSUE, REQUEUE, END, HOLD, BARRIER_IO = EVENTS = (
    "block_rq_issue", "block_rq_requeue", "block_rq_complete",
    "dm_rq_barrier_hold", "dm_rq_barrier_io")
# One of "8,0 WS 4096 () 16 + 8 none,0,0 [task]", "8,0 write 16 + 8 held=1", and
# "8,0 16 + 8" for a barrier I/O.  A task may have any name, an error is a number.
EVENT = re.compile(r"^ *(\S.*?) +\[\d+\].*?: (%s): \d+,\d+ (?:([A-Za-z]\w*) )?"
                   r"(?:\d+ )?(?:\(.*?\) )?(\d+) \+ (\d+)"
                   r"(?:.* \[(-\d+)\]$)?" % "|".join(EVENTS))
ENTRIES = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)")
NEVER = -1
ZEROES = bytes(BLOCK)


class Write:
    """What one write put into one block."""

    def __init__(self, writer, seq, fua):
        self.name = (writer, seq)
        self.fua = fua
        self.acknowledged = False
        # lines of the trace
        self.reached = None
        self.failed = None

    def __str__(self):
        return "write {}/{}{}{}".format(
            *self.name, " with RWF_DSYNC" if self.fua else "",
            f", line {self.reached}" if self.reached else "")


class Log:
    """The log of torture-load: writes to each block, in their order"""

    def __init__(self, text):
        self.blocks = {}
        self.acknowledged = 0
        self.errors = Counter()
        self.writes = {}
        done = []
        begun = {}
        for line in text.splitlines():
            kind, writer, *words = line.split()
            if kind == "S":
                self.submitted(int(writer), words)
            elif kind == "C":
                name = (int(writer), int(words[0]))
                done.append(name)
                if self.writes[name][0].fua:
                    self.acknowledge([name])
            elif kind == "B":
                begun[writer, words[0]] = len(done)
            elif kind == "E":
                self.acknowledge(done[:begun[writer, words[0]]])
            elif kind == "X":
                self.errors[int(words[0])] += 1

    def submitted(self, writer, words):
        """A line that begins with S"""
        seq, first, count = map(int, words[:3])
        writes = [Write(writer, seq, words[3] == "f") for _ in range(count)]
        self.writes[writer, seq] = writes
        for number, write in enumerate(writes, first):
            self.blocks.setdefault(number, []).append(write)

    def acknowledge(self, names):
        """An acknowledgment of so many writes"""
        self.acknowledged += 1
        for name in names:
            for write in self.writes[name]:
                write.acknowledged = True


class Flush:
    """A flush request on the multipath device"""

    def __init__(self, reached):
        self.reached = reached
        self.done = None
        self.post = False


class Trace:
    """When writes and flushes reached dm.  What the log says to be the n-th
    write of a block is the n-th one in the trace."""

    def __init__(self, lines, log):
        self.blocks = log.blocks
        self.current = {}
        self.next = Counter()
        self.flushes = []
        self.in_line = []
        self.issued = []
        # were barrier I/Os issued since the last flush has ended?
        self.barriers = False
        # the task that has held a flush request just now
        self.held_by = None
        for number, line in enumerate(lines, 1):
            event = EVENT.search(line)
            if event:
                self.add(number, *event.groups())
            elif "LOST" in line or self.incomplete(line):
                raise ValueError(f"the trace is not complete: {line}")

    @staticmethod
    def incomplete(line):
        """Was the buffer too small?"""
        entries = ENTRIES.match(line)
        return entries and entries[1] != entries[2]

    def add(self, line, task, name, what, sector, count, error):
        """An event"""
        if name == BARRIER_IO:
            self.barriers = True
        elif what == "flush" or what.startswith("F") and count == "0":
            self.flush(line, task, name, error)
        elif what == "write" or what.startswith("W"):
            self.write(line, name, int(sector) // SECTORS,
                       int(count) // SECTORS, error)

    def flush(self, line, task, name, error):
        """Flush requests look alike, but have their turn as they came."""
        if name == HOLD:
            self.in_line.append(Flush(line))
            self.held_by = task
            return
        if name == ISSUE:
            flush = self.in_line.pop(0) if self.in_line else Flush(line)
            flush.post = self.barriers
            self.issued.append(flush)
        elif self.issued and name == REQUEUE:
            self.give_back(task)
        elif self.issued:
            flush = self.issued.pop(0)
            flush.done = None if error else line
            self.barriers = False
            self.flushes.append(flush)
        self.held_by = None

    def give_back(self, task):
        """A flush request that dm has requeued has not come anew.  One that is
        to have a second round was held again by whoever requeues it."""
        if self.held_by == task:
            self.in_line.pop()
            self.barriers = False
        self.in_line.insert(0, self.issued.pop(0))

    def write(self, line, name, first, count, error):
        """Of each block that the event covers"""
        for number in range(first, first + count):
            if number not in self.blocks:
                continue
            if name == END:
                write = self.current.pop(number, None)
                if write and error:
                    write.failed = line
            elif name != REQUEUE and number not in self.current:
                self.reach(number, line)

    def reach(self, number, line):
        """The next write to this block is there."""
        writes = self.blocks[number]
        index = self.next[number]
        if index < len(writes):
            self.next[number] += 1
            self.current[number] = writes[index]
            writes[index].reached = line

    def points(self):
        """The flushes that are ordering points, also if they have not ended.  A
        post-flush is none: writes that are held since its pre-flush came wait
        until it is over.  If it is a pre-flush too it has a second round."""
        return [flush for flush in self.flushes + self.issued + self.in_line
                if not flush.post]


class Verdict:
    """Holds the blocks of a disk against the log and the trace."""

    def __init__(self, log, seed, read):
        """read(number) is what a block has."""
        self.log = log
        self.seed = seed
        self.losses = []
        # of each block the index of the write that is there
        self.present = {number: self.find(number, writes, read(number))
                        for number, writes in sorted(log.blocks.items())}
        self.volatile = sum(len(writes) - 1 - self.present[number]
                            for number, writes in log.blocks.items())

    def lose(self, rule, number, why):
        """Note what is wrong."""
        self.losses.append((rule, f"{rule}: block {number}: {why}"))

    def find(self, number, writes, data):
        """Which write is there?"""
        if data == ZEROES:
            return NEVER
        magic, seed, block, *name = STAMP.unpack_from(data)
        crc, = struct.unpack("I", data[-4:])
        if magic == MAGIC and seed == self.seed and block == number and \
                crc == zlib.crc32(data[:-4]):
            for index, write in enumerate(writes):
                if write.name == tuple(name):
                    return index
        self.lose("intact", number, "has what nobody wrote")
        return NEVER

    def there(self, number):
        """In words"""
        index = self.present[number]
        return str(self.log.blocks[number][index]) if index >= 0 else "nothing"

    def expect(self, rule, why, wanted):
        """Each block has the last write of those that are wanted, or a later
        one."""
        for number, writes in self.log.blocks.items():
            for index in range(len(writes) - 1, self.present[number], -1):
                if wanted(writes[index]):
                    self.lose(rule, number, f"{writes[index]} {why}, there is "
                              f"{self.there(number)}")
                    break

    def durable(self):
        """Rule "durable" """
        self.expect("durable", "was acknowledged",
                    lambda write: write.acknowledged)

    def ordered(self, trace):
        """Rules "before" and "after" """
        flushes = trace.points()
        done = [flush for flush in flushes if flush.done]
        if done:
            flush = max(done, key=lambda flush: flush.reached)
            self.expect_before("before", flush.reached, flush.done,
                               f"came before the flush of line {flush.reached}"
                               f", which has ended in line {flush.done}")
        writes = [self.log.blocks[number][index]
                  for number, index in self.present.items() if index >= 0]
        last = max((write.reached for write in writes
                    if write.reached and not write.fua), default=0)
        reached = max((flush.reached for flush in flushes
                       if flush.reached < last), default=0)
        self.expect_before("after", reached, last, "came before the flush of "
                           f"line {reached}, that of line {last} after it")

    def expect_before(self, rule, line, end, why):
        """All writes that had reached dm before this line of the trace, but
        for those that had failed before its end"""
        self.expect(rule, why, lambda write: write.reached and
                    write.reached < line and
                    not (write.failed and write.failed < end))
