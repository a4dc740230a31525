#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Let the kernel run out of memory at each allocation in turn.

    fail_nth.py NEW NAME:DISK:PATH[,PATH]

NAME is a multipath device with queue_if_no_path, DISK its dm-N; it may be in
use.  NEW does not exist, and will be created on the same paths.  What an
administrator does to devices is done with the first allocation failing, then
with the second and so on, until none is left to fail.  Each time it has to be
done, or to fail for want of memory and to have changed nothing; it can be done
again, and the device works.

Needs failslab and fail_page_alloc to take all allocations, see
Documentation/fault-injection/fault-injection.rst.
"""

import collections
import errno
import fcntl
import itertools
import mmap
import os
import sys

import disturb

PAGE = 4096
BLKGETSIZE64 = 0x80081272
# What else device-mapper calls it when it makes a device, or parses a table
NO_DEVICE, NO_TABLE = errno.ENXIO, errno.EINVAL


class Injector:
    """Of allocations of this thread"""

    def __init__(self):
        self.file = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def attempt(self, nth, operation):
        """Has the nth allocation failed?  And the error, or 0"""
        error = 0
        os.pwrite(self.file, b"%d" % nth, 0)
        try:
            operation()
        except OSError as what:
            error = what.errno
        left = int(os.pread(self.file, 16, 0))
        os.pwrite(self.file, b"0", 0)
        return left == 0, error


class Sweeps:
    """Operations on a device that there is, and on a new one"""

    def __init__(self, new, device):
        self.new = disturb.Mapper(new)
        self.device = device
        self.injector = Injector()
        self.failed = False

    def complain(self, text):
        print(f"# {text}")
        self.failed = True

    def sweep(self, name, prepare, after, *also_allowed):
        """prepare() returns the operation, after(error) goes on.  An error has
        to be -ENOMEM or one of the others.  How many allocations there are"""
        results = collections.Counter()
        for nth in itertools.count(1):
            operation = prepare()
            injected, error = self.injector.attempt(nth, operation)
            try:
                after(error)
            except OSError as what:
                self.complain(f"{name}, after the failure of allocation {nth}: "
                              f"{what}")
            if not injected:
                break
            result = errno.errorcode.get(error, "done all the same")
            results[result] += 1
            if error not in (0, errno.ENOMEM, *also_allowed):
                self.complain(f"{name}, allocation {nth}: {result}")
        if error:
            self.complain(f"{name}: {os.strerror(error)} without a failure")
        counts = [f"{result} {times}" for result, times in results.items()]
        print(f"# {name}: {', '.join(counts) or 'needs no memory'}")
        return sum(results.values())

    def expect_failures(self, name, *arguments):
        """Other operations need not need memory."""
        if not self.sweep(name, *arguments):
            self.complain(f"{name}: no allocation has failed")

    def expect_works(self, disk):
        """The last block is nobody's."""
        buffer = mmap.mmap(-1, PAGE)
        fd = os.open(f"/dev/{disk}", os.O_RDWR | os.O_DIRECT)
        try:
            size = fcntl.ioctl(fd, BLKGETSIZE64, bytes(8))
            last = int.from_bytes(size, sys.byteorder) // PAGE * PAGE - PAGE
            os.pwritev(fd, [buffer], last)
            os.fdatasync(fd)
            os.preadv(fd, [buffer], last)
        finally:
            os.close(fd)

    # --- a new device ---

    def create(self):
        def after(error):
            if not error:
                self.new.remove()

        self.expect_failures("create", lambda: self.new.create, after,
                             NO_DEVICE)

    def first_table(self):
        """The block layer cannot add a disk if it has failed to add it before,
        so that the device has to go then."""
        def prepare():
            self.new.create()
            return self.load(self.new)

        def after(error):
            if not error:
                self.new.resume()
                self.expect_works(self.new.disk())
            self.new.remove()

        self.expect_failures("first table", prepare, after, NO_TABLE)

    def first_resume(self):
        def prepare():
            self.new.create()
            self.load(self.new)()
            return self.new.resume

        def after(error):
            if error:
                self.new.resume()
            self.expect_works(self.new.disk())
            self.new.remove()

        self.sweep("first resume", prepare, after)

    def remove(self):
        def prepare():
            self.new.create()
            self.load(self.new)()
            self.new.resume()
            return self.new.remove

        def after(error):
            if error:
                self.expect_works(self.new.disk())
                self.new.remove()

        self.sweep("remove", prepare, after)

    # --- the device that there is ---

    def load(self, device):
        """An operation that allocates nothing by itself"""
        request = device.request(disturb.TABLE_LOAD,
                                 **self.device.disks.table([self.device.paths]))
        return lambda: fcntl.ioctl(*request)

    def after(self, error, again):
        if error:
            again()
        self.expect_works(self.device.disk())

    def switch(self, old, new):
        fd = os.open(self.device.ordered, os.O_RDWR)

        def prepare():
            self.device.set_mode(old)
            return lambda: os.pwrite(fd, new.encode(), 0)

        def after(error):
            if (f"[{old if error else new}]" not in
                    disturb.read_file(self.device.ordered)):
                self.complain(f"{old} to {new}: {os.strerror(error)}, and "
                              "the mode is another one")
            self.expect_works(self.device.disk())

        self.expect_failures(f"{old} to {new}", prepare, after)
        os.close(fd)

    def switches(self):
        modes, mode = self.device.modes()
        for old, new in itertools.permutations(modes, 2):
            self.switch(old, new)
        self.device.set_mode(mode)

    def another_table(self):
        def after(error):
            self.after(error, self.load(self.device))
            self.device.clear()

        self.expect_failures("another table", lambda: self.load(self.device),
                             after, NO_TABLE)

    def resume_with_another(self):
        def prepare():
            self.load(self.device)()
            return self.device.resume

        self.sweep("resume with another table", prepare,
                   lambda error: self.after(error, self.device.resume))

    def suspend(self, noflush):
        def after(error):
            self.device.resume()
            self.expect_works(self.device.disk())

        self.sweep(f"suspend{' --noflush' * noflush}",
                   lambda: lambda: self.device.suspend(noflush), after)

    def resume(self):
        def prepare():
            self.device.suspend(True)
            return self.device.resume

        self.sweep("resume", prepare,
                   lambda error: self.after(error, self.device.resume))


def main():
    new, device = sys.argv[1:]
    name, disk, paths = device.split(":")
    sweeps = Sweeps(new, disturb.Device(name, disk, paths.split(",")))
    sweeps.create()
    sweeps.first_table()
    sweeps.first_resume()
    sweeps.remove()
    sweeps.switches()
    sweeps.another_table()
    sweeps.resume_with_another()
    sweeps.suspend(noflush=False)
    sweeps.suspend(noflush=True)
    sweeps.resume()
    return 1 if sweeps.failed else 0


if __name__ == "__main__":
    sys.exit(main())
