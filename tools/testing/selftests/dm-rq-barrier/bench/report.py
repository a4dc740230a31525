#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py RESULTS OUTPUT: hold what was measured against the bars.

RESULTS is a directory with fairness-SEED.log, from fairness.sh, and with
cost-KERNEL-SEED.log, from dm-rq-cost.  OUTPUT gets fairness.csv, cost.csv and
bench.json.  The status is 0 if every bar was met.
"""

import csv
import glob
import json
import re
import sys

READERS_BAR = 0.95
COST_BAR = 1.01


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
    for name in logs(directory, "fairness-*.log"):
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


def read_cost(directory):
    """One row for each figure of each run."""
    rows = []
    for name in logs(directory, "cost-*-*.log"):
        kernel, seed = re.fullmatch(r".*/cost-(\w+)-(\d+)\.log", name).groups()
        for line in lines(name):
            words = line.split()
            if words[:1] == ["cost"] and len(words) == 4:
                rows.append({"kernel": kernel, "setup": words[1],
                             "seed": int(seed), "operation": words[2],
                             "instructions": float(words[3])})
    return rows


class Verdicts:
    """Figures with their bars."""

    def __init__(self):
        self.rows = []

    def add(self, figure, measured, relation, bar, how):
        met = measured >= bar if relation == ">=" else measured <= bar
        self.rows.append({"figure": figure, "measured": round(measured, 4),
                          "relation": relation, "bar": round(bar, 4),
                          "met": met, "how": how})

    def show(self):
        width = max(len(row["figure"]) for row in self.rows)
        for row in self.rows:
            print(f"  {row['figure']:{width}}  {row['measured']:8.4f} "
                  f"{row['relation']} {row['bar']:<8g} "
                  f"{'met' if row['met'] else 'MISSED'}")
            print(f"      {row['how']}")

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


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def judge_cost(rows, verdicts):
    """Averages over seeds, each of which both kernels ran with."""
    def figures(setup, operation):
        return {row["seed"]: row["instructions"] for row in rows
                if (row["setup"], row["operation"]) == (setup, operation)}

    for operation in ("write", "read"):
        stock = figures("stock", operation)
        for mode in ("none", "flush", "drain_flush"):
            series = figures(mode, operation)
            if not series or series.keys() != stock.keys():
                sys.exit(f"FAILED: {operation} in {mode} has not the seeds "
                         "that stock has")
            ratios = [series[seed] / stock[seed] for seed in stock]
            averages = [mean(series.values()), mean(stock.values())]
            verdicts.add(f"instructions of a {operation}, {mode} / stock",
                         averages[0] / averages[1], "<=", COST_BAR,
                         f"{averages[0]:.1f} / {averages[1]:.1f}, "
                         f"{min(ratios):.4f} to {max(ratios):.4f} "
                         f"with {len(ratios)} seeds")


def write_csv(name, rows):
    fields = list(dict.fromkeys(key for row in rows for key in row))
    with open(name, "w", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(results, output):
    fairness = read_fairness(results)
    cost = read_cost(results)
    write_csv(f"{output}/fairness.csv", fairness)
    write_csv(f"{output}/cost.csv", cost)
    verdicts = Verdicts()
    judge_fairness(fairness, verdicts)
    judge_cost(cost, verdicts)
    with open(f"{output}/bench.json", "w") as file:
        json.dump({"verdicts": verdicts.rows, "fairness": fairness,
                   "cost": cost}, file, indent=1)
        file.write("\n")

    verdicts.show()
    missed = verdicts.missed()
    print(f"all figures: {output}/fairness.csv, cost.csv and bench.json")
    if missed:
        print(f"FAILED: {missed} of {len(verdicts.rows)} bars missed")
        return 1
    print(f"bench: all {len(verdicts.rows)} bars met")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
