#!/usr/bin/env python3
"""Makes Markdown of what tests/benchmark/run measured: a table, and the goals.

usage: tests/benchmark/report.py FILE      a file of --json
"""

import json
import math
import statistics
import sys

# The goals, as ratios within one run.
FLAT = {"pidfd": 1.3, "uring": 1.3}  # the most children against the fewest
NEAR_PIDFD = {"threaded": 2, "safe": 2, "multiloop": 2}  # against pidfd, at the most children
NAMESAKE = {"pidfd": "PidfdChildWatcher", "threaded": "ThreadedChildWatcher",
            "multiloop": "MultiLoopChildWatcher", "safe": "SafeChildWatcher",
            "fast": "FastChildWatcher"}
BURST_SECONDS = 2


def rank(values, share):
    """The nearest-rank quantile."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


class Figures:
    """Each figure is that of the median round, so that one disturbed round does not count."""

    def __init__(self, lines):
        self.lines = lines
        self.run = next(line for line in lines if line["type"] == "run")
        self.rows = [line for line in lines if line["type"] == "row"]
        cells = [line for line in lines if line["type"] == "cell"]
        self.failures = [cell for cell in cells if "error" in cell]
        self.counts = sorted({cell["children"] for cell in cells if cell["kind"] == "exit"})
        self.bursts = sorted({cell["children"] for cell in cells if cell["kind"] == "burst"})
        self.exits, self.burst = {}, {}
        for cell in cells:
            if "error" in cell:
                continue
            if cell["kind"] == "burst":
                self.burst.setdefault(cell["row"], []).append(cell)
                continue
            warm_up = self.run["warm_up"]
            latency, cpu = cell["latency_ns"][warm_up:], cell["cpu_ns"][warm_up:]
            if latency:
                self.exits.setdefault((cell["row"], cell["children"]), []).append({
                    "median": rank(latency, 0.5) / 1000, "p99": rank(latency, 0.99) / 1000,
                    "CPU": statistics.fmean(cpu) / 1000, "samples": len(latency)})

    def exit(self, row, children, figure):
        """Microseconds, or None where nothing was measured."""
        rounds = self.exits.get((row, children))
        return rounds and statistics.median(one[figure] for one in rounds)

    def samples(self, row, children):
        return min(one["samples"] for one in self.exits[row, children])

    def burst_of(self, row):
        """The cell of the median round; None where there is none."""
        rounds = sorted(self.burst.get(row, []), key=lambda cell: cell["elapsed_ns"])
        return rounds[len(rounds) // 2] if rounds else None


def markdown(header, lines):
    return "\n".join(f"| {' | '.join(line)} |" for line in
                     [header, ["---"] + ["---:"] * (len(header) - 1), *lines])


def is_whole(burst):
    return burst["told"] == burst["children"]


def burst_text(burst):
    if burst is None:
        return "-"
    seconds = burst["elapsed_ns"] / 1e9
    if is_whole(burst):
        return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    return f"> {burst['limit_s']} s ({burst['told']} of {burst['children']})"


def table(figures):
    def cell(row, children):
        if (row, children) not in figures.exits:
            return "-"
        text = " / ".join(f"{figures.exit(row, children, figure):.0f}"
                          for figure in ("median", "p99", "CPU"))
        samples = figures.samples(row, children)
        wanted = figures.run["samples"]
        return text if samples >= wanted else f"{text} ({samples} samples)"

    header = ["watcher"]
    header += [f"{count:,} children" for count in figures.counts]
    header += [f"burst of {count:,}" for count in figures.bursts]
    lines = []
    for row in figures.rows:
        if row["unavailable"]:
            continue
        name = row["row"]
        line = [name] + [cell(name, count) for count in figures.counts]
        if figures.bursts:
            line.append(burst_text(figures.burst_of(name)))
        lines.append(line)
    return markdown(header, lines)


def ours(figures):
    """(row, watcher, policy) of what of ours was measured."""
    for row in figures.rows:
        maker, _, rest = row["row"].partition("/")
        if maker == "proctor" and not row["unavailable"]:
            watcher, _, policy = rest.partition("/")
            yield row["row"], watcher, policy


def goals(figures):
    lines = []

    def judge(goal, ratio, limit, where=""):
        if ratio is None:
            lines.append([goal, "-", "not measured"])
        else:
            lines.append([goal, f"{ratio:.2f}{where}", "met" if ratio <= limit else "missed"])

    def ratio(above, below):
        return above / below if above is not None and below else None

    fewest, most = (figures.counts[0], figures.counts[-1]) if figures.counts else (0, 0)
    for row, watcher, policy in ours(figures):
        name = f"{watcher}/{policy}"
        if watcher in NAMESAKE:
            other = f"asyncio/{NAMESAKE[watcher]}"
            for figure in ("median", "CPU"):
                ratios = [(ratio(figures.exit(row, count, figure),
                                 figures.exit(other, count, figure)), count)
                          for count in figures.counts]
                known = [pair for pair in ratios if pair[0] is not None]
                worst, count = max(known) if known and len(known) == len(ratios) else (None, 0)
                judge(f"{name}: {figure} at most {NAMESAKE[watcher]}'s at each number", worst, 1,
                      f" (worst, at {count:,})")
        median_of_most = figures.exit(row, most, "median")
        if watcher in FLAT and fewest != most:
            judge(f"{name}: median at {most:,} within {FLAT[watcher]}x of that at {fewest:,}",
                  ratio(median_of_most, figures.exit(row, fewest, "median")), FLAT[watcher])
        if watcher in NEAR_PIDFD:
            judge(f"{name}: median at {most:,} within {NEAR_PIDFD[watcher]}x of pidfd's",
                  ratio(median_of_most, figures.exit(f"proctor/pidfd/{policy}", most, "median")),
                  NEAR_PIDFD[watcher])
        if figures.bursts:
            goal = f"{name}: burst of {figures.bursts[-1]:,} within {BURST_SECONDS} s"
            burst = figures.burst_of(row)
            if burst is None:
                judge(goal, None, 0)
            else:
                met = is_whole(burst) and burst["elapsed_ns"] <= BURST_SECONDS * 1e9
                lines.append([goal, burst_text(burst), "met" if met else "missed"])
    return lines


def report(lines):
    figures = Figures(lines)
    run = figures.run
    parts = [
        f"Per exit of one of so many live children: median / p99 of the time from kill(2) to the "
        f"handler / CPU of the watching process, all in µs; and the time until a burst of exits is "
        f"told. {run['samples']} samples a cell, median of {run['rounds']} round(s), seed "
        f"{run['seed']}; {run['machine']}.",
        table(figures)]
    remarks = [f"- {row['row']} was not measured: {row['unavailable']}."
               for row in figures.rows if row["unavailable"]]
    remarks += [f"- {cell['row']}, {cell['kind']}, {cell['children']:,} children, round "
                f"{cell['round']}: failed: {cell['error']}" for cell in figures.failures]
    remarks += [f"- {cell['row']} in the burst of {cell['children']:,}, round {cell['round']}: "
                f"complaints of asyncio: {cell['complaints']}"
                for cells in figures.burst.values() for cell in cells if "complaints" in cell]
    if remarks:
        parts.append("\n".join(remarks))
    verdicts = goals(figures)
    if verdicts:
        met = sum(verdict == "met" for _, _, verdict in verdicts)
        parts.append(f"Goals: {met} of {len(verdicts)} met. They are ratios of this run's figures.")
        parts.append(markdown(["goal", "in this run", "verdict"], verdicts))
    return "\n\n".join(parts)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        print(report([json.loads(line) for line in file]))
