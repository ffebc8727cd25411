#!/usr/bin/env python3
"""Makes Markdown of what tests/benchmark/run_events measured: tables, and the goals.

usage: tests/benchmark/event_report.py FILE      a file of --json
"""

import json
import statistics
import sys

from report import markdown, rank

# The goals, as ratios within one run, but for the memory.
MOST_DELAY = 1.2     # the p99 of others beside a stopped one, against one that goes on
MOST_MEMORY = 1 << 20  # bytes for each stopped one


def measured(cell, warm_up):
    """Without the first ones, which the cells with many subscribers leave away themselves."""
    return cell["latency_ns"][0 if cell["kind"] == "fanout" else warm_up:]


def describe(cell, warm_up):
    where = " ".join(f"{name}={cell[name]}" for name in ["record", "by", "stopped", "rate"]
                     if name in cell)
    text = f"round {cell['round']}, {cell['kind']} {where}: "
    if "error" in cell:
        return text + f"failed: {cell['error']}"
    if cell["kind"] == "memory":
        return text + f"the server grew by {cell['grown'] / 1024:.0f} KiB"
    latency = measured(cell, warm_up)
    return text + (f"{rank(latency, 0.5) / 1000:.0f} µs, p99 {rank(latency, 0.99) / 1000:.0f} µs, "
                   f"at {cell['per_second']:.0f}/s" +
                   (f", processors {cell['busy']:.0%} busy" if "busy" in cell else ""))


class Figures:
    """Each figure is that of the median round."""

    def __init__(self, lines):
        self.run = next(line for line in lines if line["type"] == "run")
        self.cells = [line for line in lines if line["type"] == "cell"]

    def of(self, figure, **which):
        """None where nothing was measured."""
        values = []
        for cell in self.cells:
            if "error" in cell or any(cell.get(name) != value for name, value in which.items()):
                continue
            if figure in ("grown", "per_second", "busy"):
                values.append(cell[figure])
            else:
                share = {"median": 0.5, "p99": 0.99}[figure]
                values.append(rank(measured(cell, self.run["warm_up"]), share) / 1000)
        return statistics.median(values) if values else None


def number(value, form="{:.0f}"):
    return "-" if value is None else form.format(value)


def ratio(above, below):
    return above / below if above is not None and below else None


def exit_table(figures):
    rate = figures.run["rate"]
    header = ["recorded in", "by", "idle", f"at {rate:.0f} exits/s", "carried", "idle / memory",
              "busy / memory"]
    lines = []
    for record, name in [("memory", "memory"), ("process", "a file"),
                         ("power", "a file, synced")]:
        for by in ["grpc", "sse"]:
            def of(figure, rate, record=record, by=by):
                return figures.of(figure, kind="exit", record=record, by=by, rate=rate)
            texts = [f"{number(of('median', one))} / {number(of('p99', one))}"
                     for one in (0, rate)]
            ratios = [number(ratio(of("median", one), of("median", one, record="memory")),
                             "{:.2f}") for one in (0, rate)]
            lines.append([name, by, *texts, number(of("per_second", rate), "{:.0f}/s"), *ratios])
    return markdown(header, lines)


def goals(figures):
    run, lines = figures.run, []

    def judge(goal, value, limit, text):
        verdict = "not measured" if value is None else "met" if value <= limit else "missed"
        lines.append([goal, "-" if value is None else text, verdict])

    for rate in run["fanout_rates"]:
        def fanout(figure, stopped, rate=rate):
            return figures.of(figure, kind="fanout", stopped=stopped, rate=rate)

        delay = ratio(fanout("p99", 1), fanout("p99", 0))
        judge(f"at {rate:.0f} events/s, p99 of {run['subscribers']} others beside a stopped one at "
              f"most {MOST_DELAY}x that beside one that goes on", delay, MOST_DELAY,
              f"{number(delay, '{:.2f}')} ({number(fanout('p99', 1))} against "
              f"{number(fanout('p99', 0))} µs, processors {number(fanout('busy', 1), '{:.0%}')} "
              f"busy)")
    without = figures.of("grown", kind="memory", stopped=0)
    grown = figures.of("grown", kind="memory", stopped=run["stopped"])
    each = (grown - without) / run["stopped"] if None not in (grown, without) else None
    judge(f"memory of the server for each stopped one, after {run['events']} events, at most "
          f"{MOST_MEMORY >> 20} MiB", each, MOST_MEMORY,
          f"{number(each and each / 1024)} KiB")
    return lines


def report(lines):
    figures = Figures(lines)
    run = figures.run
    parts = [f"Median of {run['rounds']} round(s), seed {run['seed']}; {run['machine']}."]
    if any(cell["kind"] == "exit" for cell in figures.cells):
        parts += ["From kill(2) of a process to the event in a subscriber's hands, median / p99 in "
                  "µs:", exit_table(figures)]
    failures = [f"- {describe(cell, run['warm_up'])}" for cell in figures.cells if "error" in cell]
    if failures:
        parts.append("\n".join(failures))
    parts += ["The goals:", markdown(["goal", "in this run", "verdict"], goals(figures))]
    return "\n\n".join(parts)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        print(report([json.loads(line) for line in file]))
