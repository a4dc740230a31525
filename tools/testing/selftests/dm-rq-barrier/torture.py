#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Cut the power of a disk under a request-based multipath device, again and
again, at random moments, and see that nothing is lost that was acknowledged.

For each cut there are a new disk with a volatile cache (torture_storage.py),
paths to it, a multipath device and a load: torture-load's writers, and, if there
is a file system, also programs that use it (torture_fs.py).  In some cuts paths
fail and come back meanwhile, and the device is suspended and gets other tables
(disturb.py).  Then the power is off.  When it is back the device is built again,
and torture_judge.py, the programs and the file system's checker say what is
missing.

On a stock kernel the mode is none.

What happens in a cut depends on the seed and the number of the cut, as far as
the kernel lets it; --first repeats one.

Exit status: 0 as expected, 3 not, others: it could not be tried.
"""

import argparse
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
from collections import Counter

import disturb
import torture_fs
import torture_judge
import torture_storage
from torture_storage import BLOCK, NO_PATH_TIMEOUT, Hangs, write_file

NAME = "drb_torture"
DISK = "drb_torture_disk"
TRACE = "/sys/kernel/tracing/instances/dm_rq_torture"
MONITOR = "/sys/kernel/tracing/rv/monitors/dm_rq_seq"
DEFAULT_MODE = "/sys/module/dm_mod/parameters/rq_ordered"
TRACE_KB = 32768
# Of the region that torture-load has, behind the file system
RAW_BLOCKS = 16384
WRITERS = 4
RAW = "raw"
LOADS = [RAW] * 3 + list(torture_fs.FILE_SYSTEMS)
# Modes switch what is promised, and remove what has to be there.
DISTURBANCES = [disturb.suspend, disturb.other_tables, disturb.flap,
                disturb.no_path]
NOT_AS_EXPECTED = 3
SHOWN_LOSSES = 20
SHOWN_LINES = 30


def has_modes():
    """Or is it a stock kernel?"""
    return os.path.exists(DEFAULT_MODE)


class Plan:
    """What a cut is going to be"""

    def __init__(self, seed, number, options):
        rng = random.Random(f"{seed} {number}")
        self.number = number
        self.storage = rng.choice(options.storage)
        self.load = rng.choice(options.load)
        self.seed = rng.getrandbits(63)
        self.disturbed = rng.random() < 0.4
        self.delay = rng.uniform(0.005, 0.5 if self.disturbed else 0.2)
        self.attributes = {
            "cache_size": rng.choice([1, 2, 8]),
            "completion_nsec": rng.choice([10000, 50000, 200000]),
            # without FUA on the disk there is nothing to mix
            "fua": 1 if self.storage == "mixed" or
                   not torture_storage.can_lack_fua() else rng.getrandbits(1),
        }

    def __str__(self):
        return "cut {}: {}, {}{}, {:.0f} ms, {}".format(
            self.number, self.storage, self.load,
            ", disturbed" if self.disturbed else "", self.delay * 1000,
            " ".join(f"{key}={value}"
                     for key, value in self.attributes.items()))


class Trace:
    """An instance of its own, with what torture_judge.py wants to know"""

    def __init__(self):
        os.mkdir(TRACE)
        self.set("tracing_on", "0")
        self.set("trace_clock", "counter")
        self.set("buffer_size_kb", str(TRACE_KB))

    @staticmethod
    def set(name, text):
        write_file(f"{TRACE}/{name}", text)

    def start(self, disk):
        """Events of one multipath device"""
        major, minor = map(int, disturb.read_file(
            f"/sys/block/{disk}/dev").split(":"))
        self.set("trace", "")
        for event in torture_judge.EVENTS:
            system = "block" if event.startswith("block") else "dm_rq_barrier"
            directory = f"events/{system}/{event}"
            if not os.path.isdir(f"{TRACE}/{directory}") and not has_modes():
                continue
            self.set(f"{directory}/filter", f"dev == {major << 20 | minor}")
            self.set(f"{directory}/enable", "1")
        self.set("tracing_on", "1")

    def stop(self):
        """It stays as it is."""
        self.set("tracing_on", "0")

    @staticmethod
    def lines():
        """What there is.  To have the kernel write it takes a while."""
        with open(f"{TRACE}/trace", encoding="ascii") as trace:
            return trace.readlines()

    @staticmethod
    def remove():
        os.rmdir(TRACE)


class Disturber(threading.Thread):
    """Everything but what takes a guarantee away, until the power is cut"""

    def __init__(self, multipath, storage, plan):
        super().__init__(daemon=True)
        self.device = disturb.Device(NAME, multipath.disk, storage.paths,
                                     plan.seed)
        self.device.freezes = plan.load not in torture_fs.CANNOT_FREEZE
        self.stopping = False
        self.error = None
        self.count = 0

    def run(self):
        try:
            while not self.stopping:
                self.device.random.choice(DISTURBANCES)(self.device)
                self.count += 1
                self.device.pause(0.02)
        except OSError as error:
            # with the disk gone tables cannot be loaded
            if not self.stopping:
                self.error = error
        self.device.close()


class Cut:
    """One of them"""

    def __init__(self, plan, options, trace, templates):
        self.plan = plan
        self.options = options
        self.trace = trace
        self.log = f"{options.work}/log"
        self.mount = f"{options.work}/mnt"
        self.has_fs = plan.load != RAW
        self.first = 0
        blocks = []
        if self.has_fs:
            self.first = torture_fs.blocks_of(plan.load)
            blocks = templates[plan.load]
        self.blocks = blocks
        self.counts = Counter(cuts=1)
        self.losses = []
        self.programs = torture_fs.Programs(self.mount, self.log, plan.seed,
                                            options.witness_fd)

    def run(self):
        """Returns what was lost."""
        disk = torture_storage.Disk(
            DISK, (self.first + RAW_BLOCKS) * BLOCK >> 20,
            **self.plan.attributes)
        disk.restore(self.blocks)
        self.with_paths(disk, self.until_the_cut)
        disk.on()
        self.with_paths(disk, self.after_the_cut)
        disk.remove()
        return self.losses

    def with_paths(self, disk, what):
        """Build a multipath device, and take it down again."""
        storage = torture_storage.STORAGES[self.plan.storage](disk)
        multipath = torture_storage.Multipath(NAME, storage)
        what(disk, storage, multipath)
        multipath.remove()
        storage.remove()

    # --- load and cut ----------------------------------------------------------

    def start_writers(self, multipath):
        """torture-load, behind the file system"""
        arguments = [multipath.device, self.first, RAW_BLOCKS, WRITERS,
                     self.plan.seed, self.log]
        if self.options.witness:
            arguments.append(self.options.witness)
        return subprocess.Popen([self.options.program, *map(str, arguments)])

    def until_the_cut(self, disk, storage, multipath):
        """The load, and the end of it"""
        disturber = None
        if self.plan.disturbed:
            disturber = Disturber(multipath, storage, self.plan)
        if self.has_fs:
            torture_fs.mount(self.plan.load, multipath.device, self.mount)
            root = os.open(self.mount, os.O_RDONLY)
        self.trace.start(multipath.disk)
        writers = self.start_writers(multipath)
        if self.has_fs:
            self.programs.start()
        if disturber:
            disturber.start()
        time.sleep(self.plan.delay)
        if writers.poll() is not None or not self.programs.all_run():
            raise RuntimeError("somebody had an error before the cut")
        if disturber:
            disturber.stopping = True
        write_file(NO_PATH_TIMEOUT, "1")
        disk.cut()
        if self.has_fs:
            torture_fs.power_off(root)
        if disturber:
            self.finish_disturber(disturber)
        multipath.give_up()
        self.finish_load(writers)
        self.trace.stop()
        write_file(NO_PATH_TIMEOUT, "0")
        self.count_rounds(multipath)

    def finish_disturber(self, disturber):
        """It may wait for I/O, when a resume thaws the file system, and nobody
        can tell the device then not to wait for paths."""
        disturber.join(torture_storage.PATIENCE)
        if disturber.is_alive():
            raise Hangs("device-mapper")
        self.counts["disturbances"] += disturber.count
        if disturber.error:
            raise disturber.error

    def finish_load(self, writers):
        """Everybody gets errors and ends."""
        try:
            status = writers.wait(torture_storage.PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Hangs("torture-load") from error
        if status:
            raise RuntimeError(f"torture-load ended with status {status}")
        if self.has_fs:
            statuses = self.programs.wait()
            if statuses:
                raise RuntimeError(f"a program ended with {statuses}")
            torture_fs.umount(self.mount)

    def count_rounds(self, multipath):
        """What dm says of it"""
        if not has_modes():
            return
        with open(f"/sys/block/{multipath.disk}/dm/rq_barrier_stats",
                  encoding="ascii") as stats:
            numbers = dict(line.split() for line in stats)
        for name in "rounds", "sequences", "requeues":
            self.counts[name] += int(numbers[name])

    # --- afterwards --------------------------------------------------------------

    def after_the_cut(self, _disk, _storage, multipath):
        """What is there?"""
        self.judge_blocks(multipath)
        if self.has_fs:
            self.judge_files(multipath)

    def judge_blocks(self, multipath):
        """What torture-load has written"""
        with open(self.log, encoding="ascii") as file:
            log = torture_judge.Log(file.read().rstrip("\0"))
        with torture_storage.Reader(multipath.device) as reader:
            verdict = torture_judge.Verdict(log, self.plan.seed, reader.block)
        verdict.durable()
        self.counts.update(writes=len(log.writes),
                           acknowledged=log.acknowledged,
                           vanished=verdict.volatile)
        if self.options.mode == "drain_flush":
            verdict.ordered(torture_judge.Trace(self.trace.lines(), log))
        self.losses += [text for _, text in verdict.losses]
        self.counts.update(rule for rule, _ in verdict.losses)

    def judge_files(self, multipath):
        """What the programs have acknowledged"""
        last, count = self.programs.acknowledged()
        self.counts["acknowledged"] += count
        mounted = False
        try:
            torture_fs.mount(self.plan.load, multipath.device, self.mount)
            mounted = True
            self.programs.check(last)
        except (torture_fs.Lost, OSError,
                subprocess.CalledProcessError) as error:
            self.losses.append(f"{self.plan.load}: {error}")
            self.counts["files"] += 1
        if mounted:
            torture_fs.umount(self.mount)
        try:
            torture_fs.check(self.plan.load, multipath.device)
        except torture_fs.Lost as error:
            self.losses.append(str(error))
            self.counts["fsck"] += 1


def say(text):
    """Into the output, as a comment of KTAP"""
    for line in text.splitlines():
        print(f"# {line}", flush=True)


def show(cut):
    """What was lost"""
    say(f"{cut.plan}: {len(cut.losses)} losses")
    for loss in cut.losses[:SHOWN_LOSSES]:
        say(f"  {loss}")


def show_trace(cut):
    """Of the multipath device, around what the first loss is about"""
    trace = cut.trace.lines()
    lines = [int(line) for line in re.findall(r"line (\d+)", cut.losses[0])]
    lines = lines or [len(trace)]
    first = max(min(lines) - SHOWN_LINES, 0)
    for number in range(first, min(max(lines) + SHOWN_LINES, len(trace))):
        say(f"  {number + 1}: {trace[number].strip()}")


class Run:
    """Cuts, as many as there is time for or are wanted"""

    def __init__(self, options):
        self.options = options
        self.trace = Trace()
        self.counts = Counter()
        self.kinds = {}
        self.lossy = 0
        self.templates = {load: torture_fs.template(load)
                          for load in set(options.load) - {RAW}}

    def cut(self, number):
        """Cut number, and count what came of it."""
        plan = Plan(self.options.seed, number, self.options)
        if self.options.witness_fd is not None:
            os.write(self.options.witness_fd, f"{plan}\n".encode())
        if self.options.verbose:
            say(str(plan))
        cut = Cut(plan, self.options, self.trace, self.templates)
        try:
            losses = cut.run()
        except Exception as error:
            say(f"{plan}: did not end well: {error!r}")
            raise
        self.counts += cut.counts
        for kind in plan.storage, plan.load:
            self.kinds.setdefault(kind, Counter()).update(
                cuts=1, lossy=int(bool(losses)))
        if not losses:
            return
        self.lossy += 1
        if not self.options.expect_losses:
            show(cut)
            if self.lossy == 1:
                show_trace(cut)
        elif self.lossy == 1:
            show(cut)

    def all(self):
        """Until there are enough, or the time is over"""
        end = time.monotonic() + self.options.seconds
        cuts = self.options.cuts
        for number in itertools.count(self.options.first):
            if cuts and number == self.options.first + cuts or \
                    not cuts and time.monotonic() > end:
                break
            self.cut(number)

    def summary(self):
        """The counts, and per kind how many cuts and how many with losses"""
        counts = " ".join(f"{key}={value}"
                          for key, value in sorted(self.counts.items()))
        say(f"mode {self.options.mode}, seed {self.options.seed}: {counts}")
        say(" ".join(f"{kind}={count['cuts']}/{count['lossy']}"
                     for kind, count in sorted(self.kinds.items())))

    def verdict(self):
        """Is it as expected?"""
        if not self.counts["vanished"]:
            say("no cut has cost anything: nothing is proved")
            return NOT_AS_EXPECTED
        if self.options.expect_losses:
            say(f"{self.lossy} cuts have lost what was acknowledged")
            return 0 if self.lossy else NOT_AS_EXPECTED
        return NOT_AS_EXPECTED if self.lossy else 0


def monitor(on):
    """The kernel's runtime verification follows each sequence, if it can."""
    if os.path.isdir(MONITOR):
        write_file(f"{MONITOR}/reactors", "panic" if on else "nop")
        write_file(f"{MONITOR}/enable", "1" if on else "0")
        say("the monitor dm_rq_seq is " + ("on" if on else "off"))


def arguments():
    """Of the command line"""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--mode", default="drain_flush", help="ordered mode of the device")
    add("--seed", type=int, default=1)
    add("--first", type=int, default=0, help="number of the first cut")
    add("--cuts", type=int, default=0, help="how many")
    add("--seconds", type=float, default=10, help="if not so many cuts")
    add("--storage", nargs="+", choices=torture_storage.STORAGES,
        default=list(torture_storage.STORAGES))
    add("--load", nargs="+", choices=LOADS, default=LOADS)
    add("--expect-losses", action="store_true",
        help="it fails if there are none")
    add("--witness", help="a terminal that gets each acknowledgment")
    add("--verbose", action="store_true", help="show what each cut is")
    add("program", help="torture-load")
    return parser.parse_args()


def open_witness(name):
    """What is written to it leaves as it is."""
    fd = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
    if os.isatty(fd):
        tty.setraw(fd, termios.TCSANOW)
    return fd


def main():
    options = arguments()
    options.witness_fd = options.witness and open_witness(options.witness)
    if has_modes():
        write_file(DEFAULT_MODE, options.mode)
    elif options.mode != "none":
        sys.exit(f"a stock kernel has no mode {options.mode}")
    with tempfile.TemporaryDirectory(
            ignore_cleanup_errors=True) as options.work:
        os.mkdir(f"{options.work}/mnt")
        run = Run(options)
        monitor(True)
        run.all()
        monitor(False)
        run.trace.remove()
    run.summary()
    return run.verdict()


if __name__ == "__main__":
    sys.exit(main())
