#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""plots.py OUTPUT: draw what report.py has left in OUTPUT, as SVG files.

Debian's python3-matplotlib is for Debian's Python.
"""

import os
import sys

os.environ.setdefault("MPLCONFIGDIR", os.path.join(sys.argv[1], "matplotlib"))

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "dm-rq-barrier"

from matplotlib import pyplot

from figures import DISKS, OPERATIONS, SETUPS, mean, operations, read_csv, setups

COLOURS = dict(zip(SETUPS, ("#888888", "#8c564b", "#000000", "#2ca02c",
                            "#1f77b4", "#d62728")))


def save(output, name, title, xlabel, ylabel):
    axes = pyplot.gca()
    axes.set_title(title)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_ylim(bottom=0)
    axes.legend()
    pyplot.savefig(f"{output}/{name}.svg", bbox_inches="tight",
                   metadata={"Date": None})
    pyplot.close()


def bars(groups, names, value):
    """A group of bars for each of groups, a bar in it for each of names"""
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        pyplot.bar([place + i * width for place in range(len(groups))],
                   [value(group, name) for group in groups], width,
                   label=name, color=COLOURS[name])
    pyplot.xticks([place + 0.4 - width / 2 for place in range(len(groups))],
                  [" ".join(group) for group in groups], rotation=20)


def plot_cost(rows, output):
    """A picture for each disk"""
    for disk in dict.fromkeys(disk for disk, _ in operations(rows)):
        mine = [row for row in rows if row["disk"] == disk]
        pyplot.figure(figsize=(12, 5))
        bars([(OPERATIONS[operation],) for _, operation in operations(mine)],
             setups(mine), lambda group, setup: mean(
                 row["instructions"] for row in mine
                 if (OPERATIONS[row["operation"]], row["setup"])
                 == (*group, setup)))
        save(output, f"cost-{disk}",
             f"Cost of an operation, one thread, {DISKS[disk]}", "",
             "instructions")


def lines(rows, key, value):
    for setup in setups(rows):
        mine = [row for row in rows if row["setup"] == setup]
        places = sorted({row[key] for row in mine})
        pyplot.plot(places, [mean(value(row) for row in mine
                                  if row[key] == place) for place in places],
                    "o-", label=setup, color=COLOURS[setup])
    pyplot.xscale("log", base=2)
    pyplot.xticks(places, [str(place) for place in places])


def plot_scale(rows, output):
    threads = [row for row in rows if (row["cpus"], row["queues"]) == (4, 4)]
    lines(threads, "threads", lambda row: row["per_second"])
    save(output, "threads", "Write and fdatasync, 4 hardware queues",
         "threads", "fdatasyncs a second")
    lines(threads, "threads", lambda row: row["flushes"] / row["done"])
    save(output, "flushes", "Write and fdatasync, 4 hardware queues",
         "threads", "device flushes for each fdatasync")
    queues = [row for row in rows if row["cpus"] == 8]
    if queues:
        lines(queues, "queues", lambda row: row["per_second"])
        save(output, "queues", "Write and fdatasync, 16 threads",
             "hardware queues", "fdatasyncs a second")


def plot_latency(rows, output):
    storm = [row for row in rows
             if (row["load"], row["what"]) == ("storm", "read")]
    bars([("mean_ns",), ("median_ns",), ("p99_ns",), ("max_ns",)],
         setups(storm), lambda group, setup: mean(
             row[group[0]] / 1000 for row in storm if row["setup"] == setup))
    save(output, "reads", "Reads among 16 loops of write and fdatasync", "",
         "latency, us")
    suspend = [row for row in rows if row["load"] == "suspend"]
    bars([("suspend",)], setups(suspend), lambda group, setup: mean(
        row["beyond_us"] / 1000 for row in suspend if row["setup"] == setup))
    save(output, "suspend", "8 suspends with 64 writes in flight", "",
         "time beyond the last write, ms")


def plot_ordered(rows, output):
    for setup, order in dict.fromkeys((row["setup"], row["order"])
                                      for row in rows):
        mine = [row for row in rows
                if (row["setup"], row["order"]) == (setup, order)]
        places = sorted({row["think_us"] for row in mine})
        pyplot.plot(places, [mean(row["per_second"] for row in mine
                                  if row["think_us"] == place)
                             for place in places], marker="o",
                    label=f"{setup}, waits for {WAITS[order]}",
                    color=COLOURS[setup], linestyle=STYLES[order])
    save(output, "ordered", "Batches of 32 writes in order",
         "longest thinking time before a write, us", "batches a second")


WAITS = {"wait": "all", "barrier": "barriers", "none": "nothing"}
STYLES = {"wait": "-", "barrier": "--", "none": ":"}


def plot_memory(rows, output):
    bars([("memory",)], setups(rows), lambda group, setup: mean(
        row["bytes"] / 1024 for row in rows if row["setup"] == setup))
    save(output, "memory", "Memory of a device", "", "KiB")


def main(output):
    plots = {"cost": plot_cost, "scale": plot_scale, "latency": plot_latency,
             "ordered": plot_ordered, "memory": plot_memory}
    for name, plot in plots.items():
        plot(read_csv(f"{output}/{name}.csv"), output)


if __name__ == "__main__":
    main(*sys.argv[1:])
