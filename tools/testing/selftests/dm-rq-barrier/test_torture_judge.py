#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What torture_judge says of disks whose power was cut: each rule has a disk
that breaks it, and disks that look like that and do not.

A story is a list of what happened.  Block 1 is written by "1", or by "1s" with
RWF_DSYNC:

    submit, acknowledge            what torture-load has logged
    begin, end                     of an fdatasync
    hold, issue, requeue           and
    complete, fail                 what was traced, of a write or of "flush"
    barrier_io                     of no block in particular
"""

import itertools
import struct
import sys
import unittest
import zlib

sys.dont_write_bytecode = True
import torture_judge as judge  # pylint: disable=wrong-import-position

SEED = 7
SECTORS = judge.SECTORS


def block(number, name, seed=SEED):
    """What the write of this name puts into a block"""
    head = judge.STAMP.pack(judge.MAGIC, seed, number, *name)
    data = head + bytes(judge.BLOCK - 4 - len(head))
    return data + struct.pack("I", zlib.crc32(data))


class Story:
    """Text for Log and Trace"""

    def __init__(self, events):
        self.log = []
        self.trace = ["# entries-in-buffer/entries-written: 9/9   #P:1"]
        self.names = {}
        self.seqs = itertools.count(1)
        for event in events:
            what, _, of = event.partition(" ")
            if hasattr(self, what):
                getattr(self, what)(of)
            else:
                self.traced(what, of)

    def submit(self, of):
        seq = next(self.seqs)
        self.names[of] = 0, seq
        number = of.rstrip("s")
        self.log.append(f"S 0 {seq} {number} 1 {'f' if 's' in of else '-'}")

    def acknowledge(self, of):
        self.log.append("C {} {}".format(*self.names[of]))

    def begin(self, of):
        self.log.append(f"B 0 {of}")

    def end(self, of):
        self.log.append(f"E 0 {of}")

    def barrier_io(self, of):
        sector = int(of) * SECTORS
        self.line("dm_rq_barrier_io", f"253,0 {sector} + {SECTORS}")

    def traced(self, what, of):
        """An event of the block layer, or that dm holds a request"""
        if of == "flush":
            kind, flags, place = "flush", "FF", "0 + 0"
        else:
            number = int(of.rstrip("s"))
            kind, flags = "write", "WS" if "s" in of else "W"
            place = f"{number * SECTORS} + {SECTORS}"
        if what == "hold":
            self.line("dm_rq_barrier_hold", f"253,0 {kind} {place} held=1")
            return
        error = " [-5]" if what == "fail" else " [0]"
        size = "4096 " if what == "issue" else ""
        tail = " [load]" if what == "issue" else error
        name = "complete" if what == "fail" else what
        self.line(f"block_rq_{name}",
                  f"253,0 {flags} {size}() {place} none,0,0{tail}")

    def line(self, name, text):
        self.trace.append(f"     load: 1-42    [000] d..1.     1.000000: "
                          f"{name}: {text}")


def rules(events, there=(), data=None):
    """The rules that are broken if those writes are there, and nothing else"""
    story = Story(events)
    log = judge.Log("\n".join(story.log))
    data = data or {int(of.rstrip("s")): block(int(of.rstrip("s")),
                                               story.names[of])
                    for of in there}
    verdict = judge.Verdict(log, SEED,
                            lambda number: data.get(number, judge.ZEROES))
    verdict.durable()
    verdict.ordered(judge.Trace(story.trace, log))
    return sorted({rule for rule, _ in verdict.losses})


def whole(of):
    """A write from its beginning to its end, that dm has not held"""
    return [f"submit {of}", f"issue {of}", f"complete {of}"]


FLUSH = ["issue flush", "complete flush"]


class Durable(unittest.TestCase):
    """Acknowledged is there"""

    def test_not_synced(self):
        self.assertEqual(rules(whole("1") + ["acknowledge 1"]), [])

    def test_synced(self):
        story = whole("1") + ["acknowledge 1", "begin 1", "end 1"]
        self.assertEqual(rules(story), ["durable"])
        self.assertEqual(rules(story, ["1"]), [])

    def test_sync_that_has_not_ended(self):
        self.assertEqual(rules(whole("1") + ["acknowledge 1", "begin 1"]), [])

    def test_sync_that_began_too_early(self):
        self.assertEqual(rules(["submit 1", "begin 1", "issue 1", "complete 1",
                                "acknowledge 1", "end 1"]), [])

    def test_dsync(self):
        story = whole("1s") + ["acknowledge 1s"]
        self.assertEqual(rules(story), ["durable"])
        self.assertEqual(rules(story, ["1s"]), [])

    def test_later_write(self):
        story = whole("1s") + ["acknowledge 1s"] + whole("1")
        self.assertEqual(rules(story, ["1"]), [])
        self.assertEqual(rules(story), ["durable"])


class Intact(unittest.TestCase):
    """A block has what one of its writes put there"""

    def broken(self, data):
        self.assertEqual(rules(whole("1"), data={1: data}), ["intact"])

    def test_whole(self):
        self.assertEqual(rules(whole("1"), data={1: block(1, (0, 1))}), [])

    def test_torn(self):
        self.broken(block(1, (0, 1))[:512] + bytes(judge.BLOCK - 512))

    def test_another_block(self):
        self.broken(block(2, (0, 1)))

    def test_another_run(self):
        self.broken(block(1, (0, 1), SEED + 1))

    def test_write_that_was_not_submitted(self):
        self.broken(block(1, (0, 2)))


class Before(unittest.TestCase):
    """A flush that has completed"""

    def test_write_and_flush(self):
        story = whole("1") + FLUSH
        self.assertEqual(rules(story), ["before"])
        self.assertEqual(rules(story, ["1"]), [])

    def test_write_that_is_not_complete(self):
        self.assertEqual(rules(["submit 1", "issue 1"] + FLUSH), ["before"])

    def test_write_after(self):
        self.assertEqual(rules(FLUSH + whole("1")), [])

    def test_flush_that_is_not_complete(self):
        self.assertEqual(rules(whole("1") + ["issue flush"]), [])

    def test_flush_that_has_failed(self):
        self.assertEqual(rules(whole("1") + ["issue flush", "fail flush"]), [])

    def test_write_that_has_failed(self):
        story = ["submit 1", "issue 1", "fail 1"] + FLUSH
        self.assertEqual(rules(story), [])

    def test_held(self):
        """They reach dm when they are held, not when they are issued."""
        self.assertEqual(rules(["submit 1", "hold 1", "hold flush", "issue 1",
                                "complete 1"] + FLUSH), ["before"])
        self.assertEqual(rules(["submit 1", "hold flush", "hold 1", "issue 1",
                                "complete 1"] + FLUSH), [])

    def test_requeued_flush(self):
        """It comes when it came first, which is before the write."""
        self.assertEqual(rules(["submit 1", "issue flush", "requeue flush",
                                "issue 1"] + FLUSH), [])

    def test_requeued_write(self):
        """One that dm had accepted, and a path has not"""
        self.assertEqual(rules(["submit 1", "issue 1", "requeue 1"] + FLUSH),
                         ["before"])

    def test_refused_while_suspended(self):
        """Not accepted, so it has not come; the resume decides anew."""
        self.assertEqual(rules(["submit 1", "requeue 1"] + FLUSH +
                               ["issue 1", "complete 1"]), [])

    def test_refused_and_then_accepted(self):
        self.assertEqual(rules(["submit 1", "requeue 1", "issue 1"] + FLUSH),
                         ["before"])

    def test_post_flush(self):
        """No ordering point of its own"""
        self.assertEqual(rules(whole("1") + ["barrier_io 2"] + FLUSH), [])


class After(unittest.TestCase):
    """A flush, and writes on both sides of it"""

    def test_plain(self):
        story = whole("1") + ["issue flush"] + whole("2")
        self.assertEqual(rules(story, ["2"]), ["after"])
        self.assertEqual(rules(story, ["1", "2"]), [])
        self.assertEqual(rules(story, ["1"]), [])
        self.assertEqual(rules(story), [])

    def test_flush_that_has_failed(self):
        self.assertEqual(rules(whole("1") + ["issue flush", "fail flush"] +
                               whole("2"), ["2"]), ["after"])

    def test_dsync_proves_nothing(self):
        self.assertEqual(rules(whole("1") + ["issue flush"] + whole("2s"),
                               ["2s"]), [])

    def test_held_flush(self):
        self.assertEqual(rules(whole("1") + ["hold flush"] + whole("2"),
                               ["2"]), ["after"])

    def test_second_round(self):
        """Whoever holds a flush again and requeues it brings no other one."""
        self.assertEqual(rules(["issue flush", "submit 1", "issue 1",
                                "hold flush", "requeue flush"] + whole("2"),
                               ["2"]), [])

    def test_refused_while_suspended(self):
        self.assertEqual(rules(["submit 1", "submit 2", "requeue 1",
                                "issue flush", "issue 2", "complete 2"],
                               ["2"]), [])


class Incomplete(unittest.TestCase):
    """A trace with holes proves nothing"""

    def judge(self, line):
        judge.Trace([line], judge.Log(""))

    def test_lost_events(self):
        with self.assertRaises(ValueError):
            self.judge("CPU:0 [LOST 12 EVENTS]")

    def test_buffer_too_small(self):
        with self.assertRaises(ValueError):
            self.judge("# entries-in-buffer/entries-written: 8/9   #P:1")


if __name__ == "__main__":
    unittest.main(verbosity=0)
