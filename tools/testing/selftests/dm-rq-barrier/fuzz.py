#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Give the files and messages of request-based device-mapper what they do not
expect.

    fuzz.py WHAT SEED SECONDS NAME DISK PATH...

NAME is a multipath device, DISK its dm-N and PATHs its disks.  WHAT is one of
the functions below that begin with fuzz_.  What the kernel takes is predicted,
a refusal has to have one of the errors that are documented, and whatever is
said in return has to be well-formed.  The same seed gives the same bytes.
"""

import errno
import os
import random
import re
import sys
import threading
import time

from disturb import Mapper, read_file

MODES = [b"none", b"flush", b"drain_flush"]
PARAMETERS = "/sys/module/dm_mod/parameters"
PAGE = os.sysconf("SC_PAGE_SIZE")
WORDS = MODES + [
    b"", b" ", b"\n", b"\0", b"[none]", b"drain", b"DRAIN_FLUSH", b"-1", b"0",
    b"4294967296", b"0x", b"%s%n", b"\xff\xfe", b"../../none", b"\x7fELF"]
NUMBERS = [
    b"0", b"1", b"2", b"3", b"32", b"33", b"2048", b"10240", b"10241", b"65536",
    b"2147483648", b"4294967295", b"4294967296", b"-1", b"0x10", b"010", b"+5",
    b"1e3", b"18446744073709551616", b"none", b"1 2", b""]
MESSAGES = [
    "queue_if_no_path", "fail_path", "reinstate_path", "switch_group",
    "enable_group", "drain_flush", "rq_ordered", "none", "@", "@stats",
    "@stats_delete", "\\", "\\\\", "'", "%s%n", "\x01", "\x7f", "1", "-1"]
# Linux 6.1 opens the device whose path a message names: ENODEV, if there is none.
MESSAGE_ERRORS = {errno.EINVAL, errno.ENXIO, errno.ENOENT, errno.ENOTBLK,
                  errno.ENAMETOOLONG, errno.EOVERFLOW, errno.ENOTDIR,
                  errno.EACCES, errno.ENODEV}


class Wrong(Exception):
    """What the kernel must not do."""


def check(right, text):
    if not right:
        raise Wrong(text)


def mutate(rng, words):
    """A word, or what becomes of one by accident"""
    data = rng.choice(words)
    while rng.random() < 0.5:
        at = rng.randint(0, len(data))
        data = rng.choice([
            lambda: data + b"\n",
            lambda: data[:at],
            lambda: data[:at] + b"\0" + data[at:],
            lambda: data[:at] + bytes([rng.randrange(256)]) + data[at:],
            lambda: data + rng.choice(words),
            lambda: data + b"\0" + rng.randbytes(rng.randrange(64)),
            lambda: data + b" " * rng.choice([1, PAGE - 1, PAGE, 3 * PAGE]),
            lambda: data + b"\0" * rng.choice([1, PAGE - 1, PAGE, 3 * PAGE]),
            lambda: data.upper(),
            lambda: rng.randbytes(rng.randrange(PAGE * 2)),
        ])()
    return data


def write(rng, file, data):
    """In one of the ways that there are; an errno, or 0"""
    fd = os.open(file, os.O_RDWR)
    try:
        if rng.random() < 0.5:
            written = os.write(fd, data)
        else:
            written = os.pwrite(fd, data, rng.choice([1, 7, PAGE, 1 << 40]))
        check(written == min(len(data), PAGE),
              f"{written} bytes of {len(data)} written to {file}")
        return 0
    except OSError as error:
        return error.errno
    finally:
        os.close(fd)


def mode_in(data):
    """The mode that a write means, or None: the kernel sees no more than a
    page, nothing behind a zero, and no newline at the end."""
    word = data[:PAGE].split(b"\0")[0]
    word = word[:-1] if word.endswith(b"\n") else word
    return word if word in MODES else None


def shown_mode(file):
    """The only word, or that in brackets"""
    text = read_file(file).encode()
    if text in MODES:
        return text
    modes = re.sub(rb"\[(\w+)\]", rb"\1", text).split()
    check(modes == MODES, f"{file} shows {text}")
    return re.search(rb"\[(\w+)\]", text)[1]


def fuzz_mode_file(rng, going_on, file):
    """One writer: what it may expect is known."""
    while going_on():
        data = mutate(rng, WORDS)
        before = shown_mode(file)
        result = write(rng, file, data)
        after = shown_mode(file)
        said = f"{data[:40]} to {file}: errno {result}, {before} then {after}"
        if not data:
            check(result == 0 and after == before, said)
        elif mode_in(data):
            check(result == 0 and after == mode_in(data), said)
        else:
            check(result == errno.EINVAL and after == before, said)


def fuzz_rq_ordered(rng, going_on, _, disk, *__):
    fuzz_mode_file(rng, going_on, f"/sys/block/{disk}/dm/rq_ordered")


def fuzz_default(rng, going_on, *_):
    fuzz_mode_file(rng, going_on, f"{PARAMETERS}/rq_ordered")


def write_any(rng, going_on, file):
    while going_on():
        data = mutate(rng, WORDS)
        result = write(rng, file, data)
        wanted = 0 if mode_in(data) or not data else errno.EINVAL
        check(result == wanted, f"{data[:40]} to {file}: errno {result}")


def read_any(rng, going_on, file):
    """Bits of a file, from anywhere"""
    fd = os.open(file, os.O_RDONLY)
    while going_on():
        offset = rng.choice([0, 1, 5, 100, PAGE - 1, PAGE, 1 << 40])
        size = rng.choice([1, 2, 10, PAGE, 2 * PAGE])
        data = os.pread(fd, size, offset)
        check(len(data) <= size and (offset < PAGE or not data),
              f"{len(data)} bytes from {offset} on of {file}")
        check(re.fullmatch(rb"[a-z_\[\] 0-9\n]*", data),
              f"{file} has {data[:40]}")
    os.close(fd)


def fuzz_many(rng, going_on, _, disk, *__):
    """Writers and readers at once"""
    files = [f"/sys/block/{disk}/dm/rq_ordered", f"{PARAMETERS}/rq_ordered"]
    wrong = []

    def run(function, seed, *args):
        try:
            function(random.Random(seed), going_on, *args)
        except Wrong as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(function, rng.random(), file))
               for function in (write_any, read_any) for file in files * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in wrong:
        raise error
    for file in files:
        shown_mode(file)


def fuzz_stats(rng, going_on, _, disk, *__):
    """Read-only, and what is read is whole lines of names and numbers."""
    file = f"/sys/block/{disk}/dm/rq_barrier_stats"
    for flags in os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC:
        try:
            os.open(file, flags)
        except OSError as error:
            check(error.errno in (errno.EINVAL, errno.EACCES),
                  f"{file} for writing: {error}")
        else:
            raise Wrong(f"{file} can be opened for writing")
    while going_on():
        read_any(rng, iter([True] * 5 + [False]).__next__, file)
        for line in read_file(file).split("\n"):
            check(re.fullmatch(r"[a-z_]+ [0-9]+", line), f"{file}: {line}")


def fuzz_numbers(rng, going_on, *_):
    """The values of the two numbers; fuzz.sh makes devices with them."""
    while going_on():
        name = rng.choice(["dm_mq_nr_hw_queues", "dm_mq_queue_depth"])
        data = mutate(rng, NUMBERS)
        result = write(rng, f"{PARAMETERS}/{name}", data)
        said = f"{data[:40]} to {name}: errno {result}"
        check(result in (0, errno.EINVAL, errno.ERANGE), said)
        value = int(read_file(f"{PARAMETERS}/{name}"))
        check(0 <= value < 1 << 32, f"{said}, shows {value}")
        if result == 0 and re.fullmatch(rb"(0|[1-9][0-9]*)\n?", data):
            check(value == int(data), f"{said}, shows {value}")


def fuzz_messages(rng, going_on, name, _, *paths):
    """The last path may be failed, so that there is always one."""
    mapper = Mapper(name)
    number = read_file(f"/sys/block/{paths[-1]}/dev")
    while going_on():
        words = [rng.choice(MESSAGES + [number])
                 for _ in range(rng.choice([0, 1, 2, 2, 2, 3, 50]))]
        if rng.random() < 0.2:
            words.append("x" * rng.choice([100, PAGE, 2 * PAGE]))
        try:
            mapper.message(" ".join(words))
        except OSError as error:
            check(error.errno in MESSAGE_ERRORS, f"{words[:5]}: {error}")
        else:
            # a backslash hides the blank behind it
            check(len(words) in (1, 2) or "\\" in " ".join(words) or
                  words[0].startswith("@"), f"{words[:5]} was taken")
    mapper.message(f"reinstate_path {number}")
    mapper.message("enable_group 1")
    mapper.message("queue_if_no_path")


def main():
    what, seed, seconds, *arguments = sys.argv[1:]
    rng = random.Random(f"{seed} {what}")
    end = time.monotonic() + float(seconds)
    rounds = 0

    def going_on():
        nonlocal rounds
        rounds += 1
        return time.monotonic() < end

    try:
        globals()[f"fuzz_{what}"](rng, going_on, *arguments)
    except Wrong as error:
        print(error)
        return 1
    print(f"{rounds} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
