#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
What sequence-plot makes of a trace, and how it complains.  Drawing is tested
only if matplotlib is there.  sequence.trace is a real trace, of a file system
that commits while others write.
"""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "sequence-plot")
SAMPLE = os.path.join(HERE, "sequence.trace")

DM = "253,0"
PATH = "8,16"


def load_program():
    """The program as a module; its name is not one that import takes."""
    loader = importlib.machinery.SourceFileLoader("sequence_plot", PROGRAM)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


plot = load_program()
needs_matplotlib = unittest.skipUnless(importlib.util.find_spec("matplotlib"),
                                       "matplotlib is missing")


def line(name, text, time="1.000000"):
    """As tracefs writes it."""
    return f"          <idle>-0       [000] d.h2.     {time}: {name}: {text}\n"


def block(what, device, flags, sector, sectors=8):
    """An event of the block layer."""
    size = f"{sectors * 512} " if what == "issue" else ""
    return (f"block_rq_{what}",
            f"{device} {flags} {size}() {sector} + {sectors} be,0,4 [fio]")


def barrier(what, text):
    """An event of the barriers."""
    return f"dm_rq_barrier_{what}", f"{DM} {text}"


def tell(*events):
    """The story of events that are a microsecond apart."""
    lines = [line(name, text, f"1.{number:06d}")
             for number, (name, text) in enumerate(events)]
    return plot.Story(plot.parse(lines), DM)


def times(spans):
    """Start and end of each, in microseconds."""
    return [((span.start - 10**9) // 1000, (span.end - 10**9) // 1000)
            for span in spans]


FLUSH_ISSUE = block("issue", DM, "FF", 0, 0)
FLUSH_END = block("complete", DM, "FF", 2**64 - 1, 0)
ROUND_START = barrier("round_start", "requests=1")
ROUND_END = barrier("round_end", "requests=1 clones=1 error=0 ns=5")
ROUND = [FLUSH_ISSUE, ROUND_START, ROUND_END, FLUSH_END]
BARRIER_IO = [barrier("io", "64 + 8"), block("issue", DM, "WSM", 64),
              block("issue", PATH, "WSM", 64),
              block("complete", PATH, "WSM", 64),
              block("complete", DM, "WSM", 64),
              barrier("io_end", "64 + 8 error=0 owed=1"),
              block("complete", DM, "WSM", 64, 0)]


class ParseTest(unittest.TestCase):
    """Lines and events."""

    def test_tracefs(self):
        """A line of tracefs, with flags behind the processor."""
        event = plot.parse_line(line(*block("issue", DM, "WS", 8), "4.25"))
        self.assertEqual(event[:3], (4250000000, "block_rq_issue", DM))

    def test_trace_cmd(self):
        """A line of trace-cmd report, with nanoseconds and without flags."""
        event = plot.parse_line(
            "      jbd2/dm-0-8-77    [001]     4.212009001: "
            "dm_rq_barrier_hold:   253,0 write 8 + 8 held=1\n")
        self.assertEqual(event[:3],
                         (4212009001, "dm_rq_barrier_hold", DM))

    def test_other_lines(self):
        """They do not count."""
        for text in ("# tracer: nop\n", "\n", line("sched_switch", "a ==> b"),
                     line("block_rq_issue", "garbage")):
            self.assertIsNone(plot.parse_line(text))

    def test_nothing(self):
        """A trace without events that count."""
        with self.assertRaisesRegex(plot.BadInput, "^no .* events"):
            plot.parse(["# tracer: nop\n", line("sched_switch", "a ==> b")])

    def test_lost(self):
        """All ways to say that events are missing."""
        for text in ("# entries-in-buffer/entries-written: 10/12   #P:1\n",
                     "CPU:1 [LOST 17 EVENTS]\n",
                     "CPU:0 [17 EVENTS DROPPED]\n"):
            with self.assertRaisesRegex(plot.BadInput, "lost"):
                plot.parse([text, line(*ROUND_START)])

    def test_not_lost(self):
        """A header that says that nothing is missing."""
        events = plot.parse([
            "# entries-in-buffer/entries-written: 1/1   #P:1\n",
            line(*ROUND_START)])
        self.assertEqual(len(events), 1)

    def test_device(self):
        """Whose events?"""
        events = plot.parse([line(*ROUND_START), line(*FLUSH_ISSUE)])
        self.assertEqual(plot.find_device(events), DM)
        with self.assertRaisesRegex(plot.BadInput, "--device"):
            plot.find_device(events[1:])
        events += plot.parse([line("dm_rq_barrier_round_start",
                                   f"{device} requests=1")
                              for device in ("253,10", "253,2")])
        with self.assertRaisesRegex(plot.BadInput, "253:0 253:2 253:10"):
            plot.find_device(events)


class RequestTest(unittest.TestCase):
    """When requests wait and run."""

    def only_request(self, *events):
        """The one that these events are about."""
        requests = tell(*events).requests[DM]
        self.assertEqual(len(requests), 1)
        return requests[0]

    def test_run(self):
        """From issue to complete; a second complete says nothing new."""
        request = self.only_request(block("issue", DM, "WS", 8),
                                    block("complete", DM, "WS", 8),
                                    block("complete", DM, "WS", 8, 0))
        self.assertEqual(request.kind, "write")
        self.assertEqual(times(request.runs), [(0, 1)])

    def test_kinds(self):
        """What blktrace's letters mean."""
        story = tell(block("issue", DM, "RA", 8), block("issue", DM, "D", 16),
                     block("issue", DM, "N", 24),
                     block("issue", DM, "FWFS", 32), FLUSH_ISSUE)
        self.assertEqual([request.kind for request in story.requests[DM]],
                         ["read", "write", "write", "flush"])

    def test_two_alike(self):
        """Two writes to one sector end in their order."""
        story = tell(block("issue", DM, "W", 8), block("issue", DM, "W", 8),
                     block("complete", DM, "W", 8),
                     block("complete", DM, "W", 8, 0),
                     block("complete", DM, "W", 8))
        self.assertEqual([times(request.runs)
                          for request in story.requests[DM]],
                         [[(0, 2)], [(1, 4)]])

    def test_held(self):
        """It waits until it is issued, also if it is given back meanwhile."""
        request = self.only_request(barrier("hold", "write 8 + 8 held=1"),
                                    block("requeue", DM, "WS", 8),
                                    block("issue", DM, "WS", 8),
                                    block("complete", DM, "WS", 8))
        self.assertEqual(times(request.waits), [(0, 2)])
        self.assertEqual(times(request.runs), [(2, 3)])

    def test_held_discard(self):
        """The hold event says write, the block layer D."""
        request = self.only_request(barrier("hold", "write 8 + 8 held=1"),
                                    block("issue", DM, "D", 8))
        self.assertEqual(times(request.waits), [(0, 1)])

    def test_requeued(self):
        """A path failed: it waits, and runs again."""
        request = self.only_request(block("issue", DM, "WS", 8),
                                    block("requeue", DM, "WS", 8),
                                    block("issue", DM, "WS", 8),
                                    block("complete", DM, "WS", 8))
        self.assertEqual(times(request.waits), [(1, 2)])
        self.assertEqual(times(request.runs), [(0, 1), (2, 3)])

    def test_no_end(self):
        """The trace ends first."""
        request = self.only_request(block("issue", DM, "WS", 8), ROUND_START)
        self.assertEqual(times(request.runs), [(0, 1)])

    def test_barrier_io(self):
        """On the device and on the path, and not for ever."""
        story = tell(*BARRIER_IO, block("issue", DM, "WS", 64))
        self.assertEqual([request.kind for request in story.requests[DM]],
                         ["barrier", "write"])
        self.assertEqual([request.kind for request in story.requests[PATH]],
                         ["barrier"])
        self.assertEqual(times(story.barriers), [(0, 5)])

    def test_barrier_io_after_issue(self):
        """A write that was held can still become one."""
        request = self.only_request(barrier("hold", "write 64 + 8 held=1"),
                                    barrier("io", "64 + 8"))
        self.assertEqual(request.kind, "barrier")

    def test_paths(self):
        """Where clones went, and no other disk."""
        story = tell(block("issue", "8,48", "W", 16),
                     block("issue", DM, "W", 8), block("issue", PATH, "W", 8),
                     barrier("map", "path=8,32 issue"),
                     barrier("map", "path=0,0 requeue"))
        self.assertEqual(story.paths, {PATH, "8,32"})

    def test_wrong_device(self):
        """Nothing to tell."""
        with self.assertRaisesRegex(plot.BadInput, "no events of 253:0"):
            tell(block("issue", PATH, "W", 8))


class SequenceTest(unittest.TestCase):
    """The gate and the rounds."""

    def labels(self, *events):
        """What the rounds were for."""
        return [span.label() for span in tell(*events).rounds]

    def test_gate(self):
        """Closed, draining, open."""
        story = tell(barrier("gate_close", "sequence=1"),
                     barrier("drain", "writes=1"), barrier("drained", "ns=9"),
                     barrier("drained", "ns=0"),
                     barrier("gate_open", "sequences=1 ns=9"), ROUND_START)
        self.assertEqual(times(story.closings), [(0, 4)])
        self.assertEqual(times(story.drains), [(1, 2)])

    def test_gate_closed_before(self):
        """The trace began later than the sequence, but no earlier than that."""
        for nanoseconds, start in ((1000, 1), (10**9, 0)):
            story = tell(ROUND_START, ROUND_END,
                         barrier("gate_open", f"sequences=1 ns={nanoseconds}"))
            self.assertEqual(times(story.closings), [(start, 2)])

    def test_flush(self):
        """An fsync."""
        self.assertEqual(self.labels(*ROUND), ["flush"])

    def test_sequence(self):
        """One sequence after the other."""
        once = [*ROUND, *BARRIER_IO, *ROUND]
        self.assertEqual(self.labels(*once, *once),
                         ["pre-flush", "post-flush"] * 2)

    def test_both_at_once(self):
        """One round is all that is between two barrier I/Os."""
        self.assertEqual(
            self.labels(*ROUND, *BARRIER_IO, *ROUND, *BARRIER_IO, *ROUND),
            ["pre-flush", "post-flush + pre-flush", "post-flush"])

    def test_failed_barrier_io(self):
        """Nothing follows it."""
        failed = [barrier("io", "64 + 8"),
                  barrier("io_end", "64 + 0 error=-5 owed=0")]
        self.assertEqual(self.labels(*ROUND, *failed, *ROUND),
                         ["pre-flush", "flush"])

    def test_pre_flush_alone(self):
        """A write without FUA is not followed by a post-flush."""
        alone = [barrier("io", "64 + 8"),
                 barrier("io_end", "64 + 8 error=0 owed=0")]
        self.assertEqual(self.labels(*ROUND, *alone, *ROUND),
                         ["pre-flush", "flush"])

    def test_extra_round(self):
        """A flush request that is held after its round."""
        story = tell(*ROUND, *BARRIER_IO, *ROUND[:-1],
                     barrier("hold", "flush 0 + 0 held=2"),
                     block("requeue", DM, "FF", 2**64 - 1, 0),
                     *ROUND, *BARRIER_IO)
        self.assertEqual([span.label() for span in story.rounds],
                         ["pre-flush", "post-flush", "extra pre-flush"])
        flushes = [request for request in story.requests[DM]
                   if request.kind == "flush"]
        self.assertEqual([len(flush.runs) for flush in flushes], [1, 2])
        self.assertEqual(times(flushes[1].waits), [(14, 16)])

    def test_held_flush(self):
        """One that is held while another has its round is just held."""
        story = tell(*ROUND, FLUSH_ISSUE,
                     barrier("hold", "flush 0 + 0 held=1"), ROUND_START,
                     block("requeue", DM, "FF", 0, 0), ROUND_END, FLUSH_END,
                     *ROUND)
        self.assertEqual([span.label() for span in story.rounds],
                         ["flush"] * 3)
        self.assertEqual([times(request.waits)
                          for request in story.requests[DM]],
                         [[], [], [(5, 10)]])

    def test_repeated_round(self):
        """A post-flush that finds no path is one at the second try as well."""
        requeue = [barrier("requeue", "requests=1 delay_ms=100"),
                   block("requeue", DM, "FF", 0, 0)]
        story = tell(*ROUND, *BARRIER_IO, FLUSH_ISSUE, ROUND_START,
                     barrier("hold", "flush 0 + 0 held=1"), ROUND_END,
                     *requeue, *ROUND)
        self.assertEqual([span.label() for span in story.rounds][1:],
                         ["post-flush"] * 2)
        self.assertEqual([len(request.runs) for request in story.requests[DM]
                          if request.kind == "flush"], [1, 2, 0])


class SampleTest(unittest.TestCase):
    """A real trace: writers, and a file system that commits."""

    def setUp(self):
        with open(SAMPLE, encoding="utf-8") as file:
            events = plot.parse(file)
        self.device = plot.find_device(events)
        self.story = plot.Story(events, self.device)

    def test_steps(self):
        """One sequence: drain, pre-flush, barrier I/O, post-flush."""
        story = self.story
        self.assertEqual([span.label() for span in story.rounds],
                         ["pre-flush", "post-flush"])
        closed, drain, barriers = (story.closings[0], story.drains[0],
                                   story.barriers[0])
        steps = [closed.start, drain.start, drain.end,
                 story.rounds[0].start, story.rounds[0].end,
                 barriers.start, barriers.end,
                 story.rounds[1].start, story.rounds[1].end, closed.end]
        self.assertEqual(steps, sorted(steps))

    def test_held(self):
        """Writes waited for the end of the last round."""
        held = [request for request in self.story.requests[self.device]
                if request.kind == "write" and request.waits]
        self.assertTrue(held)
        for request in held:
            self.assertGreater(request.runs[0].start,
                               self.story.rounds[-1].end)

    def test_paths(self):
        """All that the device did, a path did."""
        kinds = {device: sorted(request.kind for request in requests)
                 for device, requests in self.story.requests.items()}
        ours = kinds.pop(self.device)
        self.assertEqual(set(kinds), self.story.paths)
        self.assertEqual(sorted(sum(kinds.values(), [])), ours)


class CommandTest(unittest.TestCase):
    """The program as a whole."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        """A file of this test."""
        return os.path.join(self.directory, name)

    def run_program(self, *arguments, **environment):
        """What it said, and its status."""
        return subprocess.run(
            [sys.executable, PROGRAM, *arguments], capture_output=True,
            text=True, check=False, env={**os.environ, **environment})

    def complaint(self, *arguments, **environment):
        """The one line of a run that fails."""
        done = self.run_program(*arguments, **environment)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_format(self):
        """Neither SVG nor PNG."""
        self.assertIn("must end in .svg or .png",
                      self.complaint(SAMPLE, self.path("a.gif")))

    def test_no_file(self):
        """A trace that is not there."""
        self.assertIn("No such file",
                      self.complaint(self.path("none"), self.path("a.svg")))

    def test_no_matplotlib(self):
        """As if it was not installed."""
        with open(self.path("matplotlib.py"), "w", encoding="utf-8") as file:
            file.write("raise ImportError\n")
        self.assertIn("install python3-matplotlib",
                      self.complaint(SAMPLE, self.path("a.svg"),
                                     PYTHONPATH=self.directory))

    def test_empty(self):
        """Nothing to draw, and so no file."""
        self.assertIn("no block_rq_",
                      self.complaint(os.devnull, self.path("a.svg")))
        self.assertFalse(os.path.exists(self.path("a.svg")))

    @needs_matplotlib
    def test_window(self):
        """Windows in which nothing happened."""
        for first, last in (("9e9", "9.1e9"), ("1000", "1000")):
            self.assertIn("nothing happened",
                          self.complaint(SAMPLE, self.path("a.svg"),
                                         "--from", first, "--to", last))

    @needs_matplotlib
    def test_svg(self):
        """The same each time, with its words as text, fit for a patch."""
        pictures = []
        for name in ("a.svg", "b.svg"):
            done = self.run_program(SAMPLE, self.path(name))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            with open(self.path(name), encoding="utf-8") as file:
                pictures.append(file.read())
        self.assertEqual(*pictures)
        for word in (">pre-flush<", ">post-flush<", ">closed<", ">held"):
            self.assertIn(word, pictures[0])
        self.assertNotIn(" \n", pictures[0])

    @needs_matplotlib
    def test_png(self):
        """From the standard input."""
        with open(SAMPLE, encoding="utf-8") as file:
            subprocess.run([sys.executable, PROGRAM, "-", self.path("a.png")],
                           stdin=file, check=True)
        with open(self.path("a.png"), "rb") as file:
            self.assertEqual(file.read(4), b"\x89PNG")


if __name__ == "__main__":
    unittest.main()
