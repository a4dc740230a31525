# SPDX-License-Identifier: GPL-2.0
"""A disk with a volatile cache whose power can be cut, and ways to reach it.

The disk is a null_blk: what was written and not flushed is gone when its power
is cut.  It has one property of no disk: its cache keeps only blocks that the
disk behind it does not have.  A block that was stored once is safe at once when
it is written again.  So every cut wants a new disk, and content() and restore()
make one of the blocks of another that are not zero.
"""

import contextlib
import fcntl
import glob
import mmap
import os
import struct
import subprocess
import time

from disturb import Mapper, Paths, read_file, write_file

BLOCK = 4096
CHUNK = 128 << 10
CONFIG = "/sys/kernel/config"
PROVE_LOCKING = "/proc/sys/kernel/prove_locking"
PATIENCE = 60
# After so many seconds without paths nothing waits for them any more; 0 is never.
NO_PATH_TIMEOUT = "/sys/module/dm_multipath/parameters/" \
    "queue_if_no_path_timeout_secs"

# of linux/loop.h
LOOP_CLR_FD, LOOP_CONFIGURE = 0x4C01, 0x4C0A
LOOP_CTL_GET_FREE = 0x4C82
LO_FLAGS_DIRECT_IO = 16
LOOP_CONFIG = struct.Struct("II52xI176x64x")


class Hangs(Exception):
    """What has to end does not."""


def wait_for(what, condition):
    """Until the condition is true, which it is returned for."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Hangs(what)
        time.sleep(0.002)


class Reader:
    """Reads a device past the page cache, as far as the device goes, and keeps
    what it read last."""

    def __init__(self, device):
        self.fd = os.open(device, os.O_RDONLY | os.O_DIRECT)
        self.buffer = mmap.mmap(-1, CHUNK)
        self.start = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)
        self.buffer.close()

    def chunk(self, offset):
        """Nothing at the end"""
        self.start = offset
        return self.buffer[:os.preadv(self.fd, [self.buffer], offset)]

    def block(self, number):
        """One that there is.  Ask for blocks in their order."""
        at = number * BLOCK
        if self.start is None or not 0 <= at - self.start < CHUNK:
            self.chunk(at)
        return self.buffer[at - self.start:at - self.start + BLOCK]


def write_direct(fd, offset, data):
    """Past the page cache."""
    buffer = mmap.mmap(-1, len(data))
    try:
        buffer[:] = data
        os.pwritev(fd, [buffer], offset)
    finally:
        buffer.close()


def content(device):
    """The blocks of a device that are not zero: pairs of number and data."""
    found = []
    offset = 0
    with Reader(device) as reader:
        while chunk := reader.chunk(offset):
            if chunk.count(0) != len(chunk):
                found += [((offset + at) // BLOCK, chunk[at:at + BLOCK])
                          for at in range(0, len(chunk), BLOCK)
                          if any(chunk[at:at + BLOCK])]
            offset += len(chunk)
    return found


def can_lack_fua():
    """Has a null_blk FUA only if it is told to?  In Linux 6.1 it always has."""
    return "fua" in read_file(f"{CONFIG}/nullb/features").split(",")


class Disk:
    """A null_blk with a volatile cache."""

    def __init__(self, name, megabytes, **attributes):
        self.name = name
        self.device = f"/dev/{name}"
        self.config = f"{CONFIG}/nullb/{name}"
        os.mkdir(self.config)
        self.fua = attributes.get("fua", 1)
        if not can_lack_fua():
            attributes.pop("fua", None)
        attributes = {"size": megabytes, "blocksize": BLOCK,
                      "memory_backed": 1, "irqmode": 2} | attributes
        for attribute, value in attributes.items():
            write_file(f"{self.config}/{attribute}", str(value))
        self.on()

    def on(self):
        """With what the disk behind the cache has."""
        write_file(f"{self.config}/power", "1")
        wait_for(f"{self.device} comes", lambda: os.path.exists(self.device))

    def cut(self):
        """The cache is lost, and whoever is using the disk gets errors."""
        write_file(f"{self.config}/power", "0")

    def restore(self, blocks):
        """Store blocks for good."""
        fd = os.open(self.device, os.O_WRONLY | os.O_DIRECT)
        for number, data in blocks:
            write_direct(fd, number * BLOCK, data)
        os.fsync(fd)
        os.close(fd)

    def remove(self):
        """With all its content"""
        self.cut()
        os.rmdir(self.config)


@contextlib.contextmanager
def without_lockdep():
    """Linux 6.12's lockdep takes the writeback of a SCSI disk that is removed
    for that of a file system which was on top of the multipath device."""
    if not os.path.exists(PROVE_LOCKING):
        yield
        return
    was = read_file(PROVE_LOCKING)
    write_file(PROVE_LOCKING, "0")
    yield
    write_file(PROVE_LOCKING, was)


class Direct:
    """The disk itself, one path"""

    def __init__(self, disk):
        self.paths = [disk.name]

    def loaded(self):
        """The paths are in use now."""

    def remove(self):
        """Leave the disk alone."""


class Loops(Direct):
    """Two loop devices: they have a volatile cache and no FUA."""

    count = 2

    def __init__(self, disk):
        super().__init__(disk)
        self.paths = [self.attach(disk) for _ in range(self.count)]

    @staticmethod
    def attach(disk):
        """A loop device on the disk"""
        backing = os.open(disk.device, os.O_RDWR | os.O_DIRECT)
        control = os.open("/dev/loop-control", os.O_RDWR)
        name = f"loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
        loop = os.open(f"/dev/{name}", os.O_RDWR)
        fcntl.ioctl(loop, LOOP_CONFIGURE, LOOP_CONFIG.pack(
            backing, BLOCK, LO_FLAGS_DIRECT_IO))
        for fd in loop, control, backing:
            os.close(fd)
        return name

    def remove(self):
        for path in self.paths:
            if path.startswith("loop"):
                fd = os.open(f"/dev/{path}", os.O_RDWR)
                fcntl.ioctl(fd, LOOP_CLR_FD)
                os.close(fd)


class Mixed(Loops):
    """P1: a path with FUA, the disk itself, and one without, which completes
    FUA writes from the cache"""

    count = 1

    def __init__(self, disk):
        super().__init__(disk)
        self.paths.append(disk.name)


class Scsi(Direct):
    """Two SCSI hosts of the kernel's own target, which lead to the disk"""

    count = 2
    core = f"{CONFIG}/target/core/iblock_0"
    # of NAA type 6, which needs no registration anywhere else
    fabric = f"{CONFIG}/target/loopback/naa.60014050000000"

    def __init__(self, disk):
        super().__init__(disk)
        self.store = f"{self.core}/{disk.name}"
        os.makedirs(self.store)
        write_file(f"{self.store}/control", f"udev_path={disk.device}")
        write_file(f"{self.store}/enable", "1")
        # Linux's target promises FUA for disks without, and forgets about it.
        write_file(f"{self.store}/attrib/emulate_fua_write",
                   str(disk.fua))
        self.paths = [self.attach(host) for host in range(self.count)]

    def port(self, host):
        """Directory of a target with one port"""
        return f"{self.fabric}0{host}/tpgt_1"

    def attach(self, host):
        """A path through a host of its own"""
        port = self.port(host)
        if not os.path.exists(port):
            os.makedirs(port)
            write_file(f"{port}/nexus", f"naa.60014051000000{host:02}")
        os.makedirs(f"{port}/lun/lun_0")
        os.symlink(self.store, f"{port}/lun/lun_0/store")
        address = read_file(f"{port}/address")
        found = wait_for(f"a disk at {address}", lambda: glob.glob(
            f"/sys/bus/scsi/devices/{address}:0/block/sd*"))
        name = os.path.basename(found[0])
        cache = f"/sys/block/{name}/queue/write_cache"
        wait_for(f"the cache of {name}",
                 lambda: os.path.exists(cache) and
                 os.path.exists(f"/dev/{name}") and
                 read_file(cache) == "write back")
        return name

    def remove(self):
        with without_lockdep():
            self.detach()
        os.rmdir(self.store)

    def detach(self):
        """The disks go."""
        for host in range(self.count):
            lun = f"{self.port(host)}/lun/lun_0"
            os.unlink(f"{lun}/store")
            os.rmdir(lun)


class Flipped(Scsi):
    """P2: paths whose cache seems to be write through when the table is
    loaded, and turns out to be write back"""

    def __init__(self, disk):
        super().__init__(disk)
        self.set_cache("temporary write through")

    def loaded(self):
        self.set_cache("temporary write back")

    def set_cache(self, view):
        """What the kernel believes of it"""
        for path in self.paths:
            for file in glob.glob(f"/sys/block/{path}/device/scsi_disk/*/"
                                  "cache_type"):
                write_file(file, view)


STORAGES = {"direct": Direct, "loop": Loops, "scsi": Scsi,
            "mixed": Mixed, "flipped": Flipped}


class Multipath(Mapper):
    """A request-based multipath device with all paths to a disk"""

    def __init__(self, name, storage):
        super().__init__(name)
        subprocess.run(
            ["dmsetup", "create", name, "--table",
             "0 {} multipath 3 queue_mode mq queue_if_no_path 0 1 1 "
             "round-robin 0 {} 1 {}".format(
                 Paths(storage.paths).sectors, len(storage.paths),
                 " ".join(f"/dev/{path} 1" for path in storage.paths))],
            check=True)
        minor = subprocess.run(
            ["dmsetup", "info", "-c", "--noheadings", "-o", "minor", name],
            check=True, capture_output=True, text=True).stdout.strip()
        self.disk = f"dm-{minor}"
        self.device = f"/dev/{self.disk}"
        storage.loaded()

    def give_up(self):
        """What waits for paths ends with an error.  A table that was loaded
        would make resume write back what cannot be written."""
        self.clear()
        self.resume()
        self.message("fail_if_no_path")

    def remove(self):
        subprocess.run(["dmsetup", "remove", "--retry", self.name], check=True)
        self.close()
