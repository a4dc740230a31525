# SPDX-License-Identifier: GPL-2.0
"""Read what was measured: lists of rows, each of which is a dictionary.

The directory has logs of fairness.sh, latency.sh and ordered.sh, of dm-rq-cost,
dm-rq-fio and dm-rq-scale, all called PROGRAM-KERNEL-*.log, and the counts of
qemu-profile, profile-KERNEL-SETUP-DISK-OPERATION-COUNT.blocks.
"""

import bisect
import csv
import glob
import json
import re
import sys

SETUPS = ("raw", "bio", "stock", "none", "flush", "drain_flush")
DISKS = {"null": "null_blk", "back": "write back", "through": "write through"}
OPERATIONS = {"read": "read", "write": "write", "fdatasync": "fdatasync",
              "sync": "write + fdatasync", "dsync": "write, RWF_DSYNC",
              "uring_write": "write, 32 by io_uring",
              "uring_sync": "write + fdatasync, io_uring",
              "ext4": "append + fsync, ext4",
              "fio": "write + fdatasync, fio"}


def logs(directory, pattern):
    names = sorted(glob.glob(f"{directory}/{pattern}"))
    if not names:
        sys.exit(f"FAILED: there is no {directory}/{pattern}")
    return names


def lines(name):
    with open(name) as log:
        return log.read().splitlines()


def numbers(words):
    """The values of KEY=NUMBER words by their keys."""
    pairs = (word.split("=") for word in words)
    return {key: float(value) if "." in value else int(value)
            for key, value in pairs}


def matches(directory, pattern, form):
    """How each line of the logs matches; all of them have to."""
    for name in logs(directory, pattern):
        for line in lines(name):
            match = re.fullmatch(form, line)
            if not match:
                sys.exit(f"FAILED: {name}: {line}")
            yield match.groups()


def read_fairness(directory):
    """One row for each kind of load and each run, one for each run's gate."""
    return [{"mode": mode, "seed": int(seed), "what": kind or what,
             **numbers(values.split())}
            for what, mode, seed, kind, values in matches(
                directory, "fairness-series-*.log",
                r"(load|gate) mode=(\S+) seed=(\d+) ?(write|read|sync|) ?(.*)")]


def read_latency(directory):
    """One row for each kind of load, or all suspends, of each run"""
    return [{"load": load, "setup": setup, "seed": int(seed), "what": kind,
             **numbers(values.split())}
            for load, setup, seed, kind, values in matches(
                directory, "latency-*-*.log",
                r"(alone|storm|suspend) setup=(\S+) seed=(\d+)"
                r" ?(read|sync|) (.*)")]


def read_ordered(directory):
    """One row for each stream of each run"""
    return [{"setup": setup, "order": order, **numbers(values.split())}
            for setup, order, values in matches(
                directory, "ordered-*-*.log",
                r"stream setup=(\S+) order=(\S+) (.*)")]


def counted(directory, program):
    """Of each run: what they have in common, and the log"""
    for name in logs(directory, f"{program}-*-*.log"):
        kernel, seed = re.fullmatch(rf".*/{program}-(\w+)-(\d+)\.log",
                                    name).groups()
        yield {"kernel": kernel, "seed": int(seed)}, name


def figures_of(directory, what, length):
    """Lines of that many words that begin with one, split, of all runs"""
    for run, name in counted(directory, "cost"):
        for line in lines(name):
            words = line.split()
            if words[:1] == [what] and len(words) == length:
                yield run, words[1:]


def read_cost(directory):
    """One row for each figure of each run"""
    return [{**run, "disk": disk, "setup": setup, "operation": operation,
             "instructions": float(instructions), "commands": float(commands)}
            for run, (disk, setup, operation, instructions, commands)
            in figures_of(directory, "cost", 6)]


def read_memory(directory):
    """One row for each setup of each run"""
    return [{**run, "setup": setup, "bytes": float(size)}
            for run, (setup, size) in figures_of(directory, "memory", 3)]


def read_fio(directory, program="fio"):
    """One row for each setup of each run, like those of read_cost(); the logs of
    runs that were repeated are called "again" instead of "fio"."""
    rows = []
    for run, name in counted(directory, program):
        text = "\n".join(lines(name))
        for match in re.finditer(r"^fio (\w+) (\w+)\n", text, re.MULTILINE):
            said, _ = json.JSONDecoder().raw_decode(text, match.end())
            job = said["jobs"][0]
            rows.append({**run, "disk": match[1], "setup": match[2],
                         "operation": "fio", "instructions":
                         job["write"]["lat_ns"]["mean"] +
                         job["sync"]["lat_ns"]["mean"]})
    return rows


def read_scale(directory):
    """One row for each load"""
    rows = []
    for name in logs(directory, "scale-*-*.log"):
        for line in lines(name):
            match = re.fullmatch(r"scale setup=(\S+) (.*) sync (.*)", line)
            if match:
                setup, values, load = match.groups()
                rows.append({"setup": setup, **numbers(values.split()),
                             **numbers(load.split())})
    return rows


def read_symbols(name):
    """Addresses of functions, in their order, and their names"""
    words = (line.split() for line in lines(name) if line.startswith("symbol "))
    found = sorted((int(address, 16), symbol) for _, address, symbol in words)
    return [address for address, _ in found], [symbol for _, symbol in found]


def count_functions(name, symbols):
    """Instructions by function, and "(user space)" for all that is no kernel"""
    addresses, names = symbols
    functions = {}
    for line in lines(name):
        address, count = line.split()
        address = int(address, 16)
        place = bisect.bisect_right(addresses, address) - 1
        function = names[place] if address >> 63 and place >= 0 \
            else "(user space)"
        functions[function] = functions.get(function, 0) + int(count)
    return functions


def read_profile(directory):
    """One row for each function of each setup and operation: what it takes for
    one operation, from two runs that differ by how many there were"""
    runs = {}
    for name in glob.glob(f"{directory}/profile-*.blocks"):
        kernel, setup, disk, operation, count = re.fullmatch(
            r".*/profile-(\w+)-(\w+)-(\w+)-(\w+)-(\d+)\.blocks", name).groups()
        runs.setdefault((kernel, setup, disk, operation), {})[int(count)] = name
    rows = []
    symbols = {}
    for (kernel, setup, disk, operation), names in sorted(runs.items()):
        if kernel not in symbols:
            symbols[kernel] = read_symbols(f"{directory}/symbols-{kernel}.log")
        less, more = sorted(names)
        before, after = (count_functions(names[count], symbols[kernel])
                         for count in (less, more))
        for function, count in after.items():
            rows.append({"disk": disk, "operation": operation, "setup": setup,
                         "function": function, "instructions":
                         (count - before.get(function, 0)) / (more - less)})
    return rows


def write_csv(name, rows):
    fields = list(dict.fromkeys(key for row in rows for key in row))
    with open(name, "w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_csv(name):
    """What write_csv() wrote; numbers are numbers again"""
    def value(text):
        try:
            return float(text) if "." in text else int(text)
        except ValueError:
            return text

    with open(name, newline="") as file:
        return [{key: value(text) for key, text in row.items()}
                for row in csv.DictReader(file)]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def setups(rows):
    """Those that there are, in the order in which they are shown"""
    found = {row["setup"] for row in rows}
    return [setup for setup in SETUPS if setup in found]


def operations(rows):
    """Pairs of disk and operation, likewise"""
    found = {(row["disk"], row["operation"]) for row in rows}
    return [(disk, operation) for disk in DISKS for operation in OPERATIONS
            if (disk, operation) in found]
