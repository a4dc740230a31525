#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Disturb request-based multipath devices while they are used.

    disturb.py [OPTIONS] STOP NAME:DISK:PATH[,PATH] ...

NAME is a multipath device with queue_if_no_path, DISK its dm-N, the PATHs are
names of disks.  One thread for each device loses paths, suspends and resumes
the device, gives it other tables, sends it messages and switches its ordered
mode, at random, until the file STOP exists; another one takes processors away
and brings them back, if there are several.  Then the device has all paths again
and the mode that it began with.  Whatever device-mapper refuses is an error.

    --only WORD,...     nothing but these disturbances, by the names of their
    --without WORD,...  functions, or all but these
    --seed N            of what is chosen and for how long; it is printed
    --swap              the devices are swap space: need no memory that is not
                        there while they do not work

It talks to device-mapper by its ioctls: on a processor that is emulated the
start of dmsetup takes longer than what dmsetup does.
"""

import argparse
import collections
import ctypes
import fcntl
import glob
import os
import random
import re
import struct
import sys
import threading
import time

# struct dm_ioctl, dm_target_spec and dm_target_msg of linux/dm-ioctl.h
HEADER = struct.Struct("3I 2I I i 2I I Q 128s 129s 7x")
SPEC = struct.Struct("2Q i I 16s")
MESSAGE = struct.Struct("Q")
SUSPEND_FLAG, SKIP_LOCKFS_FLAG, NOFLUSH_FLAG = 1 << 1, 1 << 10, 1 << 11
DEV_CREATE, DEV_REMOVE, DEV_SUSPEND, DEV_STATUS = 3, 4, 6, 7
TABLE_LOAD, TABLE_CLEAR, TARGET_MSG = 9, 10, 14
# of linux/prctl.h and sys/mman.h
PR_SET_IO_FLUSHER = 57
MCL_CURRENT, MCL_FUTURE = 1, 2

SCSI_DEBUG_FS = "/sys/kernel/debug/scsi_debug"
PROCESSORS = "/sys/devices/system/cpu"


def read_file(name):
    with open(name, encoding="ascii") as file:
        return file.read().strip()


def write_file(name, text):
    with open(name, "w", encoding="ascii") as file:
        file.write(text)


def generator(seed, name):
    return random.Random(None if seed is None else f"{seed} {name}")


class Mapper:
    """A device of device-mapper, which need not exist yet."""

    def __init__(self, name):
        self.name = name
        self.control = os.open("/dev/mapper/control", os.O_RDWR)
        # does a suspend that flushes freeze the file system on the device?
        self.freezes = True

    def close(self):
        """It is not going to be told anything."""
        os.close(self.control)

    def request(self, number, flags=0, data=b"", targets=0):
        """The arguments of an ioctl."""
        size = HEADER.size + len(data)
        header = HEADER.pack(4, 0, 0, size, HEADER.size, targets, 0, flags, 0,
                             0, 0, self.name.encode(), b"")
        code = 3 << 30 | HEADER.size << 16 | 0xfd << 8 | number
        return self.control, code, bytearray(header + data)

    def ioctl(self, *arguments, **keywords):
        """The header that the kernel has filled in"""
        request = self.request(*arguments, **keywords)
        fcntl.ioctl(*request)
        return HEADER.unpack_from(request[-1])

    def disk(self):
        """Its dm-N"""
        return f"dm-{os.minor(self.ioctl(DEV_STATUS)[10])}"

    def create(self):
        self.ioctl(DEV_CREATE)

    def remove(self):
        self.ioctl(DEV_REMOVE)

    def suspend(self, noflush):
        self.ioctl(DEV_SUSPEND, SUSPEND_FLAG | (NOFLUSH_FLAG * noflush) |
                   (SKIP_LOCKFS_FLAG * (not self.freezes)))

    def resume(self):
        self.ioctl(DEV_SUSPEND)

    def clear(self):
        """Drop a table that was loaded and not used yet."""
        self.ioctl(TABLE_CLEAR)

    def message(self, text):
        self.ioctl(TARGET_MSG, data=MESSAGE.pack(0) + text.encode() + b"\0")


class Paths:
    """Disks that lead to one storage, and tables made of them."""

    def __init__(self, names):
        self.names = names
        self.numbers = {path: read_file(f"/sys/block/{path}/dev")
                        for path in names}
        self.sectors = min(int(read_file(f"/sys/block/{path}/size"))
                           for path in names)

    def table(self, groups):
        """What is loaded for a multipath device with these groups of paths,
        as keywords of Mapper.ioctl()."""
        words = ["3 queue_mode mq queue_if_no_path 0", str(len(groups)), "1"]
        for group in groups:
            words += ["round-robin 0", str(len(group)), "1"]
            words += [f"{self.numbers[path]} 1" for path in group]
        params = " ".join(words).encode() + b"\0"
        params += b"\0" * (-len(params) % 8)
        spec = SPEC.pack(0, self.sectors, 0, SPEC.size + len(params),
                         b"multipath")
        return {"data": spec + params, "targets": 1}


class Device(Mapper):
    """What can be done to a multipath device."""

    def __init__(self, name, disk, paths, seed=None):
        super().__init__(name)
        self.random = generator(seed, name)
        self.paths = paths
        self.disks = Paths(paths)
        self.groups = [paths]
        self.ordered = f"/sys/block/{disk}/dm/rq_ordered"

    def pause(self, longest):
        time.sleep(self.random.uniform(0, longest))

    def load(self, groups):
        self.ioctl(TABLE_LOAD, **self.disks.table(groups))

    def modes(self):
        """All of them, and the one that it has"""
        words = read_file(self.ordered).split()
        return ([word.strip("[]") for word in words],
                next(word for word in words if "[" in word).strip("[]"))

    def set_mode(self, mode):
        write_file(self.ordered, mode)

    def fail(self, path):
        self.message(f"fail_path {self.disks.numbers[path]}")

    def reinstate(self):
        for group in self.groups:
            for path in group:
                self.message(f"reinstate_path {self.disks.numbers[path]}")

    def any_noflush(self):
        """A suspend that flushes makes multipath stop waiting for paths, so
        there has to be one."""
        noflush = self.random.random() < 0.5
        if not noflush:
            self.reinstate()
        return noflush

    def any_groups(self):
        """All paths, in one group or in one each."""
        if self.random.random() < 0.5:
            return [self.paths]
        return [[path] for path in self.paths]

    def reload(self, groups, noflush):
        self.load(groups)
        self.suspend(noflush)
        self.groups = groups
        self.resume()


class Machine:
    """The processors, but for the one that may have to stay."""

    name = "processors"

    def __init__(self, seed=None):
        self.random = generator(seed, self.name)
        files = glob.glob(f"{PROCESSORS}/cpu[0-9]*/online")
        if len(files) == len(glob.glob(f"{PROCESSORS}/cpu[0-9]*")):
            files.remove(f"{PROCESSORS}/cpu0/online")
        self.processors = sorted(files)

    def pause(self, longest):
        time.sleep(self.random.uniform(0, longest))


def switch_modes(device):
    """Through two others, and back to the mode that the test is about."""
    modes, mode = device.modes()
    device.set_mode(device.random.choice(modes))
    device.pause(0.1)
    device.set_mode(device.random.choice(modes))
    device.set_mode(mode)


def suspend(device):
    device.suspend(device.any_noflush())
    device.pause(0.1)
    device.resume()


def other_tables(device):
    path = device.random.choice(device.paths)
    device.reload([[path]], device.any_noflush())
    device.pause(0.1)
    device.reload(device.any_groups(), device.any_noflush())


def flap(device):
    device.fail(device.random.choice(device.paths))
    device.pause(0.1)
    device.reinstate()


def no_path(device):
    """The table that ends it is loaded before: that takes memory, and there may
    be none left but what this device could set free."""
    by_table = device.random.random() < 0.5
    if by_table:
        device.load(device.groups)
    for path in device.paths:
        device.fail(path)
    device.pause(0.2)
    if by_table:
        device.suspend(True)
        device.resume()
    else:
        device.reinstate()


def switch_groups(device):
    """Only one of them may be in use, or none that is not bypassed."""
    for _ in range(device.random.randint(1, 4)):
        message = device.random.choice(
            ["switch_group", "disable_group", "enable_group"])
        group = device.random.randint(1, len(device.groups))
        device.message(f"{message} {group}")
        device.pause(0.05)
    for group in range(1, len(device.groups) + 1):
        device.message(f"enable_group {group}")


def stop_queueing(device):
    """Nothing is lost while there are paths.  With the new table there are, and
    nothing that may make them fail is in flight."""
    device.reload(device.any_groups(), True)
    device.message("fail_if_no_path")
    device.pause(0.1)
    device.message("queue_if_no_path")


def can_inject():
    """scsi_debug cannot have chosen commands of one disk fail before 6.7."""
    major, minor = re.match(r"(\d+)\.(\d+)", os.uname().release).groups()
    return (int(major), int(minor)) >= (6, 7)


def offline(device, path):
    """All commands that the path is given come back for a while."""
    state = f"/sys/block/{path}/device/state"
    write_file(state, "offline\n")
    device.pause(0.2)
    write_file(state, "running\n")
    device.reinstate()


def failing_commands(device):
    """The next writes and flushes that a path is given come back from it, if
    it is one of scsi_debug's."""
    path = device.random.choice(device.paths)
    if not path.startswith("sd"):
        flap(device)
        return
    if not can_inject():
        offline(device, path)
        return
    hctl = os.path.basename(os.path.realpath(f"/sys/block/{path}/device"))
    rules = f"{SCSI_DEBUG_FS}/{hctl}/error"
    write_file(rules, "2 -3 0x2a 0x0f 0 0 0 0 0")
    write_file(rules, "2 -2 0x35 0x0f 0 0 0 0 0")
    device.pause(0.2)
    for opcode in "0x2a", "0x35":
        try:
            write_file(rules, f"- 2 {opcode}")
        except OSError:
            pass    # used up
    device.reinstate()


def hotplug(machine):
    """Up to all processors but one"""
    gone = machine.random.sample(machine.processors, machine.random.randint(
        1, len(machine.processors)))
    for processor in gone:
        write_file(processor, "0")
    machine.pause(0.2)
    machine.random.shuffle(gone)
    for processor in gone:
        write_file(processor, "1")


# How often, compared with each other
OF_DEVICES = {switch_modes: 2, suspend: 2, other_tables: 1, flap: 1, no_path: 1,
              switch_groups: 1, stop_queueing: 1, failing_commands: 1}
OF_MACHINES = {hotplug: 1}
WORDS = [what.__name__ for what in [*OF_DEVICES, *OF_MACHINES]]


def chosen(weights, words):
    """Those of the disturbances that are among the words"""
    return {what: weight for what, weight in weights.items()
            if what.__name__ in words}


def disturb(subject, weights, stop, failures):
    """With these disturbances, until there is a file"""
    counts = collections.Counter()
    what = None
    try:
        while not os.path.exists(stop):
            what, = subject.random.choices(list(weights), weights.values())
            counts[what.__name__] += 1
            what(subject)
            subject.pause(0.3)
    except OSError as error:
        failures.append(f"{subject.name}: {what.__name__}: {error}")
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    print(f"# {subject.name}: {said}", flush=True)


def start(stop, devices, words, failures, seed=None):
    """One thread for each device, and one for the machine if that can be
    disturbed; failures gets what went wrong."""
    subjects = [(device, chosen(OF_DEVICES, words)) for device in devices]
    machine = Machine(seed)
    if machine.processors:
        subjects.append((machine, chosen(OF_MACHINES, words)))
    threads = [threading.Thread(target=disturb,
                                args=(subject, weights, stop, failures))
               for subject, weights in subjects if weights]
    for thread in threads:
        thread.start()
    return threads


def need_no_memory():
    """Neither what would have to be read from a device, nor what has to be
    written to one before: what multipathd does."""
    threading.stack_size(1 << 19)
    libc = ctypes.CDLL(None, use_errno=True)
    for status in (libc.mlockall(MCL_CURRENT | MCL_FUTURE),
                   libc.prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0)):
        if status:
            raise OSError(ctypes.get_errno(), "cannot do without memory")


def words_of(text):
    words = text.split(",")
    for word in words:
        if word not in WORDS:
            raise argparse.ArgumentTypeError(
                f"{word} is none of {', '.join(WORDS)}")
    return words


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", type=words_of, default=WORDS)
    parser.add_argument("--without", type=words_of, default=[])
    parser.add_argument("--seed", type=int,
                        default=random.randrange(1, 1 << 32))
    parser.add_argument("--swap", action="store_true")
    parser.add_argument("stop")
    parser.add_argument("devices", nargs="+", metavar="NAME:DISK:PATH[,PATH]")
    args = parser.parse_args()
    print(f"# disturbed with --seed {args.seed}", flush=True)
    if args.swap:
        need_no_memory()
    devices = []
    for device in args.devices:
        name, disk, paths = device.split(":")
        devices.append(Device(name, disk, paths.split(","), args.seed))
    words = [word for word in args.only if word not in args.without]
    failures = []
    for thread in start(args.stop, devices, words, failures, args.seed):
        thread.join()
    for failure in failures:
        print(f"# {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
