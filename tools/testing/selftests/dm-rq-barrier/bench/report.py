#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py RESULTS OUTPUT: hold what was measured against the bars.

What is in RESULTS is read by figures.py.  OUTPUT gets a CSV file for each kind of
figure, and bench.json.  Where a bar for instructions was missed, the functions are
listed that take more than in the stock kernel.  The status is 0 if every bar was
met.
"""

import json
import sys

from figures import (DISKS, OPERATIONS, mean, operations, read_cost,
                     read_fairness, read_fio, read_latency, read_memory,
                     read_ordered, read_profile, read_scale, setups, write_csv)

READERS_BAR = 0.95
LATENCY_BAR = 1.02
READ_LATENCY_BAR = 1.05
SUSPEND_BAR = 0.20
NONE_BAR = 1.00
COST_BAR = 1.01
FLUSH_BAR = 1.10
NO_CACHE_BAR = 1.15
FLUSHES_BAR = 0.5
THROUGHPUT_BAR = 1.5
ORDERED_BAR = 1.3
REPEAT_BAR = 0.005
THINK_US = 31

# Why a bar is missed, if it is, and what would have to change
WHY_NO_CACHE = """the stock kernel drops such a flush before device-mapper sees it, by what the
paths were when the table was loaded.  So it does not flush when a path gets a
cache later (P2).  To be as cheap, the block layer would have to ask the driver
before it makes a flush request."""
WHY_ORDERED = """each thread's next write stands in line between the flush requests of others,
and it has to end before the ones behind it are carried out (G1, G2).  So these
cannot share a round.  Mode flush has no such line."""
WHY_ORDINARY = """the series asks what a request is: at its start, when it is mapped, and at its
end."""
WHY_FLUSH = """a flush is handed to kdmflush and back."""


class Verdicts:
    """Figures with their bars."""

    def __init__(self):
        self.rows = []

    def add(self, figure, measured, relation, bar, how, why="", cost=None):
        met = measured >= bar if relation == ">=" else measured <= bar
        self.rows.append({"figure": figure, "measured": round(measured, 4),
                          "relation": relation, "bar": round(bar, 4),
                          "met": met, "how": how,
                          "why": "" if met else why, "cost": cost})

    def show(self):
        width = max(len(row["figure"]) for row in self.rows)
        for row in self.rows:
            print(f"  {row['figure']:{width}}  {row['measured']:8.4f} "
                  f"{row['relation']} {row['bar']:<8g} "
                  f"{'met' if row['met'] else 'MISSED'}")
            print(f"      {row['how']}")
            for line in row["why"].splitlines():
                print(f"      {line}")

    def missed_costs(self):
        """Of which disk, operation and setup"""
        return [row["cost"] for row in self.rows
                if row["cost"] and not row["met"]]

    def missed(self):
        return sum(not row["met"] for row in self.rows)


def judge_fairness(rows, verdicts):
    """Both figures are those of the seed with which they are worst."""
    found = {(row["mode"], row["seed"], row["what"]): row for row in rows}
    seeds = sorted({row["seed"] for row in rows})
    worst_ratio = worst_wait = None
    for seed in seeds:
        none, ordered = ({what: found[mode, seed, what]
                          for what in ("write", "read", "sync", "gate")}
                         for mode in ("none", "drain_flush"))
        if not ordered["gate"]["rounds"]:
            sys.exit(f"FAILED: seed {seed}: not one round in drain_flush")
        rates = [mode["read"]["per_second"] for mode in (ordered, none)]
        ratio = (rates[0] / rates[1], rates)
        longest = [mode["write"]["max_ns"] / 1000 for mode in (ordered, none)]
        bar = [ordered["gate"][key] / 1000
               for key in ("longest_drain_ns", "longest_round_ns")]
        beyond = longest[0] - longest[1]
        wait = (beyond - sum(bar), beyond, longest, bar)
        worst_ratio = min(worst_ratio or ratio, ratio)
        worst_wait = max(worst_wait or wait, wait)

    ratio, rates = worst_ratio
    verdicts.add("readers' rate, drain_flush / none", ratio, ">=", READERS_BAR,
                 f"{rates[0]:.0f} / {rates[1]:.0f} reads a second, "
                 f"the worst of {len(seeds)} seeds")
    _, beyond, longest, bar = worst_wait
    verdicts.add("longest wait of a writer beyond its turn, us", beyond, "<=",
                 sum(bar),
                 f"longest write in drain_flush {longest[0]:g} - in none "
                 f"{longest[1]:g}; longest drain {bar[0]:g} + longest round "
                 f"{bar[1]:g}")


def judge_latency(rows, verdicts):
    """With stock, and the seed with which it is worst"""
    def compare(title, load, what, setup, figure, bar):
        found = {(row["setup"], row["seed"]): row[figure] for row in rows
                 if (row["load"], row["what"]) == (load, what)}
        pairs = [(value, found["stock", seed])
                 for (name, seed), value in found.items() if name == setup]
        if not pairs or not all(stock for _, stock in pairs):
            sys.exit(f"FAILED: {title}: no figures to compare")
        value, stock = max(pairs, key=lambda pair: pair[0] / pair[1])
        verdicts.add(f"{title}, {setup} / stock", value / stock, "<=", bar,
                     f"{value:g} / {stock:g}, the worst of {len(pairs)} seeds")

    compare("mean latency of write + fdatasync, ns", "alone", "sync", "flush",
            "mean_ns", LATENCY_BAR)
    compare("99th percentile of reads among 16 fsync loops, ns", "storm",
            "read", "drain_flush", "p99_ns", READ_LATENCY_BAR)
    for mode in ("flush", "drain_flush"):
        compare("what suspends wait beyond the device, us", "suspend", "",
                mode, "beyond_us", SUSPEND_BAR)


class Cost:
    """Instructions by disk, setup and operation, as averages over seeds.  The
    raw disk and bio-based multipath are those of the stock kernel."""

    def __init__(self, rows):
        self.rows = [row for row in rows
                     if row["kernel"] == "stock"
                     or row["setup"] not in ("raw", "bio")]

    def by_seed(self, disk, setup, operation, figure="instructions"):
        found = {row["seed"]: row[figure] for row in self.rows
                 if (row["disk"], row["setup"], row["operation"])
                 == (disk, setup, operation)}
        if not found:
            sys.exit(f"FAILED: no {operation} with {setup} on {disk}")
        return found

    def compare(self, disk, setup, operation, bar, why, verdicts):
        """With stock"""
        series = self.by_seed(disk, setup, operation)
        stock = self.by_seed(disk, "stock", operation)
        if series.keys() != stock.keys():
            sys.exit(f"FAILED: {operation} in {setup} has not the seeds "
                     "that stock has")
        ratios = [series[seed] / stock[seed] for seed in stock]
        averages = [mean(series.values()), mean(stock.values())]
        verdicts.add(f"instructions of {operation}, {DISKS[disk]}, "
                     f"{setup} / stock",
                     averages[0] / averages[1], "<=", bar,
                     f"{averages[0]:.1f} / {averages[1]:.1f}, "
                     f"{min(ratios):.4f} to {max(ratios):.4f} "
                     f"with {len(ratios)} seeds",
                     why, (disk, operation, setup))

    def show(self):
        """A line for each disk and operation, a column for each setup"""
        names = setups(self.rows)
        print(f"  {'instructions':42}" +
              "".join(f"{name:>12}" for name in names))
        for disk, operation in operations(self.rows):
            title = f"{DISKS[disk]}, {OPERATIONS[operation]}"
            print(f"  {title:42}" + "".join(
                f"{mean(self.by_seed(disk, name, operation).values()):12.1f}"
                for name in names))


def judge_cost(cost, verdicts):
    for operation in ("write", "read"):
        for mode in ("none", "flush", "drain_flush"):
            cost.compare("null", mode, operation,
                         NONE_BAR if mode == "none" else COST_BAR,
                         WHY_ORDINARY, verdicts)
    for operation in ("fdatasync", "sync"):
        cost.compare("back", "flush", operation, FLUSH_BAR, WHY_FLUSH, verdicts)
    cost.compare("through", "flush", "fdatasync", NO_CACHE_BAR, WHY_NO_CACHE,
                 verdicts)
    sent = cost.by_seed("through", "flush", "fdatasync", "commands")
    verdicts.add("commands for each fdatasync, write through, flush",
                 max(sent.values()), "<=", 0, "the most of all seeds")


def judge_fio(rows, again, verdicts):
    """What was measured once more with the same seed"""
    def key(row):
        return row["kernel"], row["seed"], row["disk"], row["setup"]

    first = {key(row): row["instructions"] for row in rows}
    pairs = [(row["instructions"], first[key(row)]) for row in again]
    if not pairs:
        sys.exit("FAILED: fio was not repeated")
    more, less = max((sorted(pair, reverse=True) for pair in pairs),
                     key=lambda pair: pair[0] / pair[1])
    same = sum(a == b for a, b in pairs)
    verdicts.add("fio again with the same seed, largest difference",
                 more / less - 1, "<=", REPEAT_BAR,
                 f"{same} of {len(pairs)} figures are the same; "
                 f"{more:.1f} / {less:.1f}")


def judge_scale(rows, verdicts):
    """With stock: the means of all seeds"""
    def figure(setup, threads, what):
        return mean(what(row) for row in rows
                    if (row["setup"], row["cpus"], row["queues"],
                        row["threads"]) == (setup, 4, 4, threads))

    def compare(title, mode, threads, what, relation, bar):
        value, stock = (figure(setup, threads, what)
                        for setup in (mode, "stock"))
        verdicts.add(f"{title}, {threads} threads, 4 queues, {mode} / stock",
                     value / stock, relation, bar,
                     f"{value:.4g} / {stock:.4g}",
                     WHY_ORDERED if mode == "drain_flush" else "")

    for mode in ("flush", "drain_flush"):
        for threads in (16, 64):
            compare("device flushes per fdatasync", mode, threads,
                    lambda row: row["flushes"] / row["done"], "<=", FLUSHES_BAR)
            compare("fdatasyncs a second", mode, threads,
                    lambda row: row["per_second"], ">=", THROUGHPUT_BAR)


def judge_ordered(rows, verdicts):
    """With stock, and the seed with which it is worst"""
    rate = {(row["setup"], row["order"], row["seed"]): row["per_second"]
            for row in rows if row["think_us"] == THINK_US}
    seeds = sorted({seed for _, _, seed in rate})
    value, stock = min(((rate["drain_flush", "none", seed],
                         rate["stock", "wait", seed]) for seed in seeds),
                       key=lambda pair: pair[0] / pair[1])
    verdicts.add("batches in order a second, drain_flush without waiting / stock",
                 value / stock, ">=", ORDERED_BAR,
                 f"{value:g} / {stock:g}, the worst of {len(seeds)} seeds")


def show_scale(rows):
    """A line for each number of queues and threads, two columns for each setup"""
    names = setups(rows)
    print("  fdatasyncs a second, and device flushes for each:")
    print("  cpus queues threads" +
          "".join(f"{setup:>16}" for setup in names))
    for place in sorted({(row["cpus"], row["queues"], row["threads"])
                         for row in rows}):
        line = f"  {place[0]:4} {place[1]:6} {place[2]:7}"
        for setup in names:
            found = [row for row in rows
                     if (row["setup"], row["cpus"], row["queues"],
                         row["threads"]) == (setup, *place)]
            line += f"{mean(row['per_second'] for row in found):9.0f}" \
                f"{mean(row['flushes'] / row['done'] for row in found):7.3f}"
        print(line)


def show_ordered(rows):
    """A line for each thinking time, a column for each way to write in order"""
    ways = list(dict.fromkeys((row["setup"], row["order"]) for row in rows))
    print("  batches in order a second, by the longest thinking time in us:")
    print("  think_us" + "".join(f"{setup + ' ' + order:>21}"
                                 for setup, order in ways))
    for think in sorted({row["think_us"] for row in rows}):
        print(f"  {think:8}" + "".join(
            f"{mean(row['per_second'] for row in rows if (row['setup'], row['order'], row['think_us']) == (*way, think)):21.1f}"
            for way in ways))


def show_memory(rows):
    print("  memory of a device, in KiB: " + ", ".join(
        f"{setup} {mean(row['bytes'] for row in rows if row['setup'] == setup) / 1024:.1f}"
        for setup in setups(rows)))


def show_profile(rows, disk, operation, setup, count=24):
    """Where the instructions go that stock does not take"""
    by_setup = {}
    for row in rows:
        if (row["disk"], row["operation"]) == (disk, operation):
            by_setup.setdefault(row["setup"], {})[row["function"]] = \
                row["instructions"]
    if setup not in by_setup or "stock" not in by_setup:
        return
    mine, stock = by_setup[setup], by_setup["stock"]
    more = {name: mine.get(name, 0) - stock.get(name, 0)
            for name in mine.keys() | stock.keys()}
    print(f"instructions of {operation}, {DISKS[disk]}, by function: {setup}, "
          "stock, difference")
    print(f"| {sum(mine.values()):8.0f} {sum(stock.values()):8.0f} "
          f"{sum(more.values()):+8.0f}  all")
    for name in sorted(more, key=lambda name: -abs(more[name]))[:count]:
        print(f"| {mine.get(name, 0):8.0f} {stock.get(name, 0):8.0f} "
              f"{more[name]:+8.0f}  {name}")


def main(results, output):
    fio = read_fio(results)
    figures = {
        "fairness": read_fairness(results),
        "latency": read_latency(results),
        "ordered": read_ordered(results),
        "cost": read_cost(results) + fio,
        "memory": read_memory(results),
        "scale": read_scale(results),
        "profile": read_profile(results),
    }
    for name, rows in figures.items():
        write_csv(f"{output}/{name}.csv", rows)
    verdicts = Verdicts()
    judge_cost(Cost(figures["cost"]), verdicts)
    judge_fio(fio, read_fio(results, "again"), verdicts)
    judge_latency(figures["latency"], verdicts)
    judge_scale(figures["scale"], verdicts)
    judge_ordered(figures["ordered"], verdicts)
    judge_fairness(figures["fairness"], verdicts)
    with open(f"{output}/bench.json", "w") as file:
        json.dump({"verdicts": verdicts.rows, **figures}, file, indent=1)
        file.write("\n")

    Cost(figures["cost"]).show()
    show_scale(figures["scale"])
    show_ordered(figures["ordered"])
    show_memory(figures["memory"])
    verdicts.show()
    for disk, operation, setup in verdicts.missed_costs():
        show_profile(figures["profile"], disk, operation, setup)
    missed = verdicts.missed()
    print(f"all figures: {output}/*.csv and bench.json")
    if missed:
        print(f"FAILED: {missed} of {len(verdicts.rows)} bars missed")
        return 1
    print(f"all {len(verdicts.rows)} bars met")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
