#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Loads for a system that is short of memory.

    pressure.py memory MIB STOP         dirty so much of its own memory
    pressure.py file FILE MIB STOP      dirty a file by memory that maps it
    pressure.py check FILE              is that file as it was left?
    pressure.py sync DIRECTORY STOP     write files there and sync each write
    pressure.py blocks DEVICE STOP      write a device, wait for flushes, read

They work until there is a file STOP, and fail if what they read is not what
they wrote.
"""

import itertools
import mmap
import os
import struct
import sys
import threading

PAGE = 4096
MIB = 1 << 20
# Page number and how often it was written
STAMP = struct.Struct("2Q")
# After so many pages
LOOK = 64
WRITERS = 4
WRITER_BLOCKS = 64


class Stamps:
    """Pages, each of which is written once in each pass, after it was found to
    be as the pass before has left it.  The first pass is always done."""

    def __init__(self, memory):
        self.memory = memory
        self.pages = len(memory) // PAGE
        self.passes = 0

    def write_until(self, stop, after_pass=lambda: None):
        for page in itertools.cycle(range(self.pages)):
            if self.passes:
                if not page % LOOK and os.path.exists(stop):
                    break
                found = STAMP.unpack_from(self.memory, page * PAGE)
                if found != (page, self.passes):
                    sys.exit(f"page {page} has {found} in pass {self.passes}")
            STAMP.pack_into(self.memory, page * PAGE, page, self.passes + 1)
            if page == self.pages - 1:
                self.passes += 1
                after_pass()
        print(f"# {len(self.memory) // MIB} MiB written {self.passes} times")

    def check(self):
        """Was it left so?  Some pages may have been written once more, and then
        all in front of them as well."""
        limit = STAMP.unpack_from(self.memory)[1]
        least = max(limit - 1, 1)
        for page in range(self.pages):
            number, passes = STAMP.unpack_from(self.memory, page * PAGE)
            if number != page or not least <= passes <= limit:
                sys.exit(f"page {page} has {number, passes} behind {limit}")
            limit = passes


def dirty_memory(mib, stop):
    Stamps(mmap.mmap(-1, int(mib) * MIB)).write_until(stop)


def dirty_file(name, mib, stop):
    with open(name, "w+b") as file:
        file.truncate(int(mib) * MIB)
        memory = mmap.mmap(file.fileno(), 0)
        Stamps(memory).write_until(stop, memory.flush)


def check_file(name):
    with open(name, "r+b") as file:
        Stamps(mmap.mmap(file.fileno(), 0)).check()


def run_threads(function, arguments):
    """All of them; the first exception is ours."""
    failures = []

    def guarded(*args):
        try:
            function(*args)
        except (OSError, ValueError) as error:
            failures.append(f"{function.__name__}: {error}")

    threads = [threading.Thread(target=guarded, args=args)
               for args in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit("\n".join(failures))


def sync_files(directory, stop):
    def writer(name, flags):
        fd = os.open(name, os.O_CREAT | os.O_WRONLY | flags)
        for block in itertools.count():
            if block and os.path.exists(stop):
                break
            os.pwrite(fd, bytes(PAGE), block % WRITER_BLOCKS * PAGE)
            os.fsync(fd)

    run_threads(writer, [
        (f"{directory}/sync{i}", os.O_DSYNC if i % 2 else 0)
        for i in range(WRITERS)])


def write_blocks(device, stop):
    """Each writer has blocks of its own.  Every third write is waited for by a
    flush, every third is one with O_DSYNC, and each is read again."""
    def writer(first):
        buffer = mmap.mmap(-1, PAGE)
        plain = os.open(device, os.O_RDWR | os.O_DIRECT)
        dsync = os.open(device, os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
        written = {}
        for turn in itertools.count(1):
            if turn > WRITER_BLOCKS and os.path.exists(stop):
                break
            block = first + turn % WRITER_BLOCKS
            if block in written:
                os.preadv(plain, [buffer], block * PAGE)
                found = STAMP.unpack_from(buffer)
                if found != (block, written[block]):
                    raise ValueError(f"block {block} has {found} instead of "
                                     f"{written[block]}")
            STAMP.pack_into(buffer, 0, block, turn)
            os.pwritev(dsync if turn % 3 == 1 else plain, [buffer],
                       block * PAGE)
            if turn % 3 == 2:
                os.fdatasync(plain)
            written[block] = turn

    run_threads(writer, [(i * WRITER_BLOCKS,) for i in range(WRITERS)])


def main():
    what, *arguments = sys.argv[1:]
    {"memory": dirty_memory, "file": dirty_file, "check": check_file,
     "sync": sync_files, "blocks": write_blocks}[what](*arguments)


if __name__ == "__main__":
    main()
