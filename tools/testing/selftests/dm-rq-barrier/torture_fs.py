# SPDX-License-Identifier: GPL-2.0
"""Programs on a file system that want their data to survive, until the power
of its disk is cut, and what has to be there afterwards.

  files  are replaced: written under another name, fsync, rename, fsync of the
         directory; and one file grows, with an fdatasync for each line.
  SQLite commits transactions.  synchronous=EXTRA, as without that it does not wait
         for the removal of its journal, which is what commits.

Each acknowledges what it has made durable by a line in its log, and to the
witness, before it goes on.
"""

import fcntl
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import traceback
from contextlib import closing

from torture_storage import BLOCK, Disk, content, wait_for

# of ext4 and XFS
FS_IOC_SHUTDOWN = 0x8004587D
SHUTDOWN_NOLOGFLUSH = 2
FILES = 12
SIZE_MAX = 40000
MKFS = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,nodiscard"],
    "xfs": ["mkfs.xfs", "-q", "-f", "-K"],
}
FSCK = {
    "ext4": ["e2fsck", "-f", "-n"],
    "xfs": ["xfs_repair", "-n"],
}
# name: type, MiB, options for mount
FILE_SYSTEMS = {
    "ext4-ordered": ("ext4", 48, "data=ordered"),
    "ext4-journal": ("ext4", 48, "data=journal"),
    # no smaller one is supported
    "xfs": ("xfs", 320, "nouuid"),
}
# An fsync while one of these is frozen makes the kernel warn of a write to a
# frozen file system (ext4_journal_check_start()), also on dm-linear.
CANNOT_FREEZE = ["ext4-journal"]


class Lost(Exception):
    """Something acknowledged is not there, or is not what it was."""


def template(kind):
    """The blocks of a new file system.  Those that are zero must not be stored,
    or the disk would keep what is written to them later."""
    fs_type, megabytes, _ = FILE_SYSTEMS[kind]
    disk = Disk("torture_mkfs", megabytes)
    try:
        subprocess.run(MKFS[fs_type] + [disk.device], check=True,
                       stdout=subprocess.DEVNULL)
        return content(disk.device)
    finally:
        disk.remove()


def mount(kind, device, directory):
    """With its journal's or log's recovery"""
    fs_type, _, options = FILE_SYSTEMS[kind]
    subprocess.run(["mount", "-t", fs_type, "-o", options, device, directory],
                   check=True)


def power_off(fd):
    """The system that uses the file system has lost its power too: without
    that XFS would try again for ever to write what is not in its log."""
    fcntl.ioctl(fd, FS_IOC_SHUTDOWN, struct.pack("I", SHUTDOWN_NOLOGFLUSH))
    os.close(fd)


def umount(directory):
    """Of a file system that may be broken"""
    subprocess.run(["umount", directory], check=True)


def check(kind, device):
    """By its own checker"""
    result = subprocess.run(FSCK[FILE_SYSTEMS[kind][0]] + [device],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, check=False)
    if result.returncode:
        raise Lost(f"{kind} is not consistent: {result.stdout}")


def data_of(seed, number, generation):
    """What a file has, with its number and generation in front"""
    rng = random.Random(f"{seed} {number} {generation}")
    body = rng.randbytes(rng.randint(1, SIZE_MAX))
    return f"{number} {generation} {len(body)}\n".encode() + body


def sync_write(name, data, flags, sync):
    """Open, write, sync"""
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | flags, 0o644)
    try:
        os.write(fd, data)
        sync(fd)
    finally:
        os.close(fd)


class Programs:
    """In processes of their own, so that they do not wait for each other"""

    def __init__(self, directory, log, seed, witness):
        self.directory = directory
        self.logs = {name: f"{log}.{name}" for name in ("files", "sqlite")}
        self.seed = seed
        self.witness = witness
        self.children = []
        self.log = None

    def start(self):
        """Until the file system fails"""
        for name, run in (("files", self.files), ("sqlite", self.sqlite)):
            child = os.fork()
            if not child:
                status = 1
                try:
                    self.log = os.open(self.logs[name], os.O_WRONLY |
                                       os.O_CREAT | os.O_TRUNC | os.O_APPEND)
                    run()
                    status = 0
                except Exception:
                    traceback.print_exc()
                finally:
                    os._exit(status)
            self.children.append(child)

    def acknowledge(self, kind, number, value):
        """First to those who outlive us"""
        line = f"{kind} {number} {value}\n".encode()
        if self.witness is not None:
            os.write(self.witness, line)
        os.write(self.log, line)

    def files(self):
        """Replace files, and let one grow."""
        rng = random.Random(self.seed)
        generations = [0] * FILES
        lines = 0
        try:
            while True:
                number = rng.randrange(FILES)
                generations[number] += 1
                self.replace(number, generations[number])
                if rng.random() < 0.5:
                    lines += 1
                    sync_write(f"{self.directory}/grows", b"%08d\n" % lines,
                               os.O_APPEND, os.fdatasync)
                    self.acknowledge("line", 0, lines)
        except OSError:
            # the disk is gone; all_run() sees if it was there
            pass

    def replace(self, number, generation):
        """As editors and databases do"""
        name = f"{self.directory}/file{number}"
        sync_write(f"{name}.new", data_of(self.seed, number, generation),
                   os.O_TRUNC, os.fsync)
        os.rename(f"{name}.new", name)
        self.sync_directory()
        self.acknowledge("file", number, generation)

    def sync_directory(self):
        """XFS calls the fsync of a directory a success if the file system was
        shut down before; that of a file it does not."""
        for name in self.directory, f"{self.directory}/synced":
            flags = os.O_RDONLY if name == self.directory else os.O_CREAT
            fd = os.open(name, flags)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def sqlite(self):
        """One row for each transaction"""
        journal = random.Random(self.seed).choice(["delete", "wal"])
        try:
            with closing(sqlite3.connect(f"{self.directory}/db")) as database:
                database.execute(f"pragma journal_mode={journal}")
                database.execute("pragma synchronous=extra")
                database.execute("create table t (n integer, b blob)")
                database.commit()
                self.commit_rows(database)
        except sqlite3.DatabaseError:
            # the same, which SQLite says in many ways
            pass

    def commit_rows(self, database):
        """Until it fails"""
        number = 0
        while True:
            number += 1
            database.execute("insert into t values (?, ?)", (
                number, data_of(self.seed, -1, number)[:2000]))
            database.commit()
            self.acknowledge("row", 0, number)

    def all_run(self):
        """Has none of them ended?"""
        return not any(os.waitpid(child, os.WNOHANG)[0]
                       for child in self.children)

    def wait(self):
        """The status of those that ended as they should not.  SQLite maps a
        file, which can end with a signal when it cannot be read."""
        return [status for status in map(self.status_of, self.children)
                if status not in (0, signal.SIGBUS)]

    @staticmethod
    def status_of(child):
        """When it has ended"""
        return wait_for("a program ends", lambda: [
            status for pid, status in [os.waitpid(child, os.WNOHANG)]
            if pid])[0]

    # --- after the cut --------------------------------------------------------

    def acknowledged(self):
        """The last of each kind and number, and how many"""
        last = {}
        count = 0
        for name in self.logs.values():
            with open(name, encoding="ascii") as log:
                for line in log:
                    kind, number, value = line.split()
                    last[kind, int(number)] = int(value)
                    count += 1
        return last, count

    def check(self, last):
        """Is all there that was acknowledged?"""
        for number in range(FILES):
            self.check_file(number, last.get(("file", number), 0))
        self.check_lines(last.get(("line", 0), 0))
        self.check_rows(last.get(("row", 0), 0))

    def read(self, name):
        """Nothing if it is not there"""
        try:
            with open(f"{self.directory}/{name}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def check_file(self, number, least):
        """A file that was replaced is there, in one piece."""
        data = self.read(f"file{number}")
        if not data:
            if least:
                raise Lost(f"file{number} is gone, generation {least} was "
                           "acknowledged")
            return
        words = data[:64].split(b"\n")[0].split()
        generation = int(words[1]) if len(words) == 3 else 0
        if generation < least:
            raise Lost(f"file{number} has generation {generation}, {least} "
                       "was acknowledged")
        if data != data_of(self.seed, number, generation):
            raise Lost(f"file{number} is not what was written")

    def check_lines(self, least):
        """A file that has grown has all lines."""
        lines = self.read("grows").splitlines()
        for index in range(least):
            if index >= len(lines) or lines[index] != b"%08d" % (index + 1):
                raise Lost(f"line {index + 1} of {least} is not there")

    def check_rows(self, least):
        """A database has all transactions, and is one."""
        copy = f"{os.path.dirname(self.logs['sqlite'])}/db"
        for end in "", "-journal", "-wal":
            if os.path.exists(f"{self.directory}/db{end}"):
                shutil.copy(f"{self.directory}/db{end}", copy + end)
            elif os.path.exists(copy + end):
                os.unlink(copy + end)
        if not os.path.exists(copy):
            if least:
                raise Lost("the database is gone")
            return
        try:
            self.check_database(copy, least)
        except sqlite3.DatabaseError as error:
            if least:
                raise Lost(f"the database: {error}") from error

    def check_database(self, name, least):
        """Recovery, then all rows"""
        with closing(sqlite3.connect(name)) as database:
            verdict, = database.execute("pragma integrity_check").fetchone()
            if verdict != "ok":
                raise Lost(f"the database: {verdict}")
            rows = database.execute("select n, b from t order by n").fetchall()
        if len(rows) < least:
            raise Lost(f"{len(rows)} rows of {least} transactions")
        for index, (number, blob) in enumerate(rows, 1):
            if (number, blob) != (index, data_of(self.seed, -1, index)[:2000]):
                raise Lost(f"row {index} is not what was committed")


def blocks_of(kind):
    """Of the region that it needs"""
    return (FILE_SYSTEMS[kind][1] << 20) // BLOCK
