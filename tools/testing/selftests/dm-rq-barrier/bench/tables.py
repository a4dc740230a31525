#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tables.py OUTPUT GUIDE RUN: write the tables of the admin guide anew.

OUTPUT has what report.py has left, GUIDE is a text with a comment ".. measured: NAME"
before each table and a comment ".. end of measured" after it.  RUN says how much was
measured, for the one called "by".
"""

import re
import sys

from figures import DISKS, OPERATIONS, mean, operations, read_csv, setups

WAITS = {"wait": "all", "barrier": "barriers", "none": "nothing"}


def table(rows):
    """A simple table of reStructuredText, whose first row is its head"""
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    rule = "  ".join("=" * width for width in widths)
    body = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths))
            .rstrip() for row in rows]
    return [rule, body[0], rule, *body[1:], rule]


def average(rows, value, **wanted):
    found = [value(row) for row in rows
             if all(row[key] == wanted[key] for key in wanted)]
    return mean(found) if found else None


def number(value, form="{:.0f}"):
    return "" if value is None else form.format(value)


def unique(rows, *keys):
    return list(dict.fromkeys(tuple(row[key] for key in keys) for row in rows))


def cost(rows):
    rows = [row for row in rows if row["kernel"] == "stock"
            or row["setup"] not in ("raw", "bio")]
    names = setups(rows)
    yield ["disk", "operation", *names]
    for disk, operation in operations(rows):
        yield [DISKS[disk], OPERATIONS[operation], *(
            number(average(rows, lambda row: row["instructions"], disk=disk,
                           operation=operation, setup=setup))
            for setup in names)]


def scale(rows):
    names = setups(rows)
    yield ["cpus", "queues", "threads", *names]
    for place in sorted(unique(rows, "cpus", "queues", "threads")):
        wanted = dict(zip(("cpus", "queues", "threads"), place))
        yield [*map(str, place), *(
            number(average(rows, lambda row: row["per_second"], setup=setup,
                           **wanted)) + " / " +
            number(average(rows, lambda row: row["flushes"] / row["done"],
                           setup=setup, **wanted), "{:.2f}")
            for setup in names)]


def latency(rows):
    names = setups(rows)
    yield ["latency", *names]
    for load, what, figure, title in (
            ("alone", "sync", "mean_ns", "one thread, write + fdatasync: mean"),
            ("storm", "sync", "mean_ns", "16 such threads: mean"),
            ("storm", "read", "median_ns", "reads among them: median"),
            ("storm", "read", "p99_ns", "reads: 99th percentile"),
            ("storm", "read", "max_ns", "reads: longest"),
            ("suspend", "", "beyond_us", "8 suspends, beyond the last write")):
        scaled = 1 if figure.endswith("us") else 1000
        yield [title, *(
            number(average(rows, lambda row: row[figure] / scaled, load=load,
                           what=what, setup=setup)) for setup in names)]


def ordered(rows):
    ways = unique(rows, "setup", "order")
    thinks = sorted(think for think, in unique(rows, "think_us"))
    yield ["mode", "waits for", *(f"1-{think} us" if think > 1 else "1 us"
                                  for think in thinks)]
    for setup, order in ways:
        yield [setup, WAITS[order], *(
            number(average(rows, lambda row: row["per_second"], setup=setup,
                           order=order, think_us=think)) for think in thinks)]


def memory(rows):
    names = setups(rows)
    yield ["memory", *names]
    yield ["KiB for a device", *(
        number(average(rows, lambda row: row["bytes"] / 1024, setup=setup))
        for setup in names)]


TABLES = {"cost": cost, "scale": scale, "latency": latency,
          "ordered": ordered, "memory": memory}


def main(output, guide, run):
    with open(guide) as file:
        text = file.read()

    def anew(match):
        name = match[1]
        if name == "by":
            return "\n".join([f".. measured: {name}", "",
                              f"The figures are those of {run}.", "",
                              ".. end of measured\n"])
        rows = list(TABLES[name](read_csv(f"{output}/{name}.csv")))
        return "\n".join([f".. measured: {name}", "", *table(rows), "",
                          ".. end of measured\n"])

    text = re.sub(r"^\.\. measured: (\w+)\n.*?^\.\. end of measured\n", anew,
                  text, flags=re.DOTALL | re.MULTILINE)
    with open(guide, "w") as file:
        file.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
