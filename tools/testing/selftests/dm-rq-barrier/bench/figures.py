# SPDX-License-Identifier: GPL-2.0
"""Read what was measured: lists of rows, each of which is a dictionary.

The directory has logs of fairness.sh, latency.sh and ordered.sh, of dm-rq-cost
and dm-rq-scale, all called PROGRAM-KERNEL-*.log, and the counts of qemu-profile,
profile-KERNEL-SETUP-DISK-OPERATION-COUNT.blocks.
"""

import bisect
import csv
import glob
import re
import sys


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


def read_fairness(directory):
    """One row for each kind of load and each run, one for each run's gate."""
    rows = []
    for name in logs(directory, "fairness-series-*.log"):
        for line in lines(name):
            match = re.fullmatch(
                r"(load|gate) mode=(\S+) seed=(\d+) ?(write|read|sync|) ?(.*)",
                line)
            if not match:
                sys.exit(f"FAILED: {name}: {line}")
            what, mode, seed, kind, values = match.groups()
            rows.append({"mode": mode, "seed": int(seed), "what": kind or what,
                         **numbers(values.split())})
    return rows


def read_latency(directory):
    """One row for each kind of load, or all suspends, of each run"""
    rows = []
    for name in logs(directory, "latency-*-*.log"):
        for line in lines(name):
            match = re.fullmatch(r"(alone|storm|suspend) setup=(\S+) seed=(\d+)"
                                 r" ?(read|sync|) (.*)", line)
            if not match:
                sys.exit(f"FAILED: {name}: {line}")
            load, setup, seed, kind, values = match.groups()
            rows.append({"load": load, "setup": setup, "seed": int(seed),
                         "what": kind, **numbers(values.split())})
    return rows


def read_cost(directory):
    """One row for each figure of each run."""
    rows = []
    for name in logs(directory, "cost-*-*.log"):
        kernel, seed = re.fullmatch(r".*/cost-(\w+)-(\d+)\.log", name).groups()
        for line in lines(name):
            words = line.split()
            if words[:1] == ["cost"] and len(words) == 6:
                rows.append({"kernel": kernel, "disk": words[1],
                             "setup": words[2], "seed": int(seed),
                             "operation": words[3],
                             "instructions": float(words[4]),
                             "commands": float(words[5])})
    return rows


def read_memory(directory):
    """One row for each setup of each run"""
    rows = []
    for name in logs(directory, "cost-*-*.log"):
        kernel, seed = re.fullmatch(r".*/cost-(\w+)-(\d+)\.log", name).groups()
        for line in lines(name):
            words = line.split()
            if words[:1] == ["memory"] and len(words) == 3:
                rows.append({"kernel": kernel, "setup": words[1],
                             "seed": int(seed), "bytes": float(words[2])})
    return rows


def read_ordered(directory):
    """One row for each stream of each run"""
    rows = []
    for name in logs(directory, "ordered-*-*.log"):
        for line in lines(name):
            match = re.fullmatch(r"stream setup=(\S+) order=(\S+) (.*)", line)
            if not match:
                sys.exit(f"FAILED: {name}: {line}")
            setup, order, values = match.groups()
            rows.append({"setup": setup, "order": order,
                         **numbers(values.split())})
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
