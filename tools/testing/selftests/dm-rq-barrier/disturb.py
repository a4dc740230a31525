#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Disturb request-based multipath devices while they are used.

    disturb.py STOP NAME:DISK:PATH[,PATH] ...

NAME is a multipath device with queue_if_no_path, DISK its dm-N, the PATHs are
names of disks.  One thread for each device loses paths, suspends and resumes
the device, gives it other tables and switches its ordered mode, at random,
until the file STOP exists.  Then the device has all paths again and the mode
that it began with.  Whatever device-mapper refuses is an error.

It talks to device-mapper by its ioctls: on a processor that is emulated the
start of dmsetup takes longer than what dmsetup does.
"""

import collections
import fcntl
import os
import random
import struct
import sys
import threading
import time

# struct dm_ioctl, dm_target_spec and dm_target_msg of linux/dm-ioctl.h
HEADER = struct.Struct("3I 2I I i 2I I Q 128s 129s 7x")
SPEC = struct.Struct("2Q i I 16s")
MESSAGE = struct.Struct("Q")
SUSPEND_FLAG, NOFLUSH_FLAG = 1 << 1, 1 << 11
DEV_SUSPEND, TABLE_LOAD, TARGET_MSG = 6, 9, 14

SCSI_DEBUG_FS = "/sys/kernel/debug/scsi_debug"


def read_file(name):
    with open(name, encoding="ascii") as file:
        return file.read().strip()


def write_file(name, text):
    with open(name, "w", encoding="ascii") as file:
        file.write(text)


def pause(longest):
    time.sleep(random.uniform(0, longest))


class Device:
    """What can be done to a multipath device."""

    def __init__(self, name, disk, paths):
        self.name = name
        self.paths = paths
        self.table = paths
        self.control = os.open("/dev/mapper/control", os.O_RDWR)
        self.ordered = f"/sys/block/{disk}/dm/rq_ordered"
        words = read_file(self.ordered).split()
        self.modes = [word.strip("[]") for word in words]
        self.mode = next(word for word in words if "[" in word).strip("[]")
        self.numbers = {path: read_file(f"/sys/block/{path}/dev")
                        for path in paths}
        self.sectors = min(int(read_file(f"/sys/block/{path}/size"))
                           for path in paths)

    def ioctl(self, number, flags=0, data=b"", targets=0):
        size = HEADER.size + len(data)
        header = HEADER.pack(4, 0, 0, size, HEADER.size, targets, 0, flags, 0,
                             0, 0, self.name.encode(), b"")
        code = 3 << 30 | HEADER.size << 16 | 0xfd << 8 | number
        fcntl.ioctl(self.control, code, bytearray(header + data))

    def suspend(self, noflush):
        self.ioctl(DEV_SUSPEND, SUSPEND_FLAG | (NOFLUSH_FLAG * noflush))

    def resume(self):
        self.ioctl(DEV_SUSPEND)

    def message(self, text):
        self.ioctl(TARGET_MSG, data=MESSAGE.pack(0) + text.encode() + b"\0")

    def load(self, paths):
        words = ["3 queue_mode mq queue_if_no_path 0 1 1 round-robin 0",
                 str(len(paths)), "1"]
        words += [f"{self.numbers[path]} 1" for path in paths]
        params = " ".join(words).encode() + b"\0"
        params += b"\0" * (-len(params) % 8)
        spec = SPEC.pack(0, self.sectors, 0, SPEC.size + len(params),
                         b"multipath")
        self.ioctl(TABLE_LOAD, data=spec + params, targets=1)

    def set_mode(self, mode):
        write_file(self.ordered, mode)

    def fail(self, path):
        self.message(f"fail_path {self.numbers[path]}")

    def reinstate(self):
        for path in self.table:
            self.message(f"reinstate_path {self.numbers[path]}")

    def any_noflush(self):
        """A suspend that flushes makes multipath stop waiting for paths, so
        there has to be one."""
        noflush = random.random() < 0.5
        if not noflush:
            self.reinstate()
        return noflush

    def reload(self, paths, noflush):
        self.load(paths)
        self.suspend(noflush)
        self.table = paths
        self.resume()


def switch_modes(device):
    """Through two others, and back to the mode that the test is about."""
    device.set_mode(random.choice(device.modes))
    pause(0.1)
    device.set_mode(random.choice(device.modes))
    device.set_mode(device.mode)


def suspend(device):
    device.suspend(device.any_noflush())
    pause(0.1)
    device.resume()


def other_tables(device):
    device.reload([random.choice(device.paths)], device.any_noflush())
    pause(0.1)
    device.reload(device.paths, device.any_noflush())


def flap(device):
    device.fail(random.choice(device.paths))
    pause(0.1)
    device.reinstate()


def no_path(device):
    for path in device.paths:
        device.fail(path)
    pause(0.2)
    if random.random() < 0.5:
        device.reload(device.paths, True)
    else:
        device.reinstate()


def failing_commands(device):
    """The next writes and flushes that a path is given come back from it, if
    it is one of scsi_debug's."""
    path = random.choice(device.paths)
    if not path.startswith("sd"):
        flap(device)
        return
    hctl = os.path.basename(os.path.realpath(f"/sys/block/{path}/device"))
    rules = f"{SCSI_DEBUG_FS}/{hctl}/error"
    write_file(rules, "2 -3 0x2a 0x0f 0 0 0 0 0")
    write_file(rules, "2 -2 0x35 0x0f 0 0 0 0 0")
    pause(0.2)
    for opcode in "0x2a", "0x35":
        try:
            write_file(rules, f"- 2 {opcode}")
        except OSError:
            pass    # used up
    device.reinstate()


DISTURBANCES = [switch_modes] * 2 + [suspend] * 2 + [
    other_tables, flap, no_path, failing_commands]


def disturb(device, stop, failures):
    counts = collections.Counter()
    what = None
    try:
        while not os.path.exists(stop):
            what = random.choice(DISTURBANCES)
            counts[what.__name__] += 1
            what(device)
            pause(0.3)
    except OSError as error:
        failures.append(f"{device.name}: {what.__name__}: {error}")
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    print(f"# {device.name}: {said}", flush=True)


def main():
    stop, *arguments = sys.argv[1:]
    failures = []
    threads = []
    for argument in arguments:
        name, disk, paths = argument.split(":")
        device = Device(name, disk, paths.split(","))
        threads.append(threading.Thread(target=disturb,
                                        args=(device, stop, failures)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        print(f"# {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
