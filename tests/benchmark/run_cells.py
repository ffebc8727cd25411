#!/usr/bin/env python3
"""Runs the cells of the benchmark, each in a process of its own with nothing beside it,
and prints the report. tests/benchmark/run builds first and hands its options on.

The cells of one number of children follow one another, so that what is compared is
measured within a minute, and every other round goes in the opposite order, so that a
machine that slows down favours no row.
"""

import argparse
import ctypes
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import report

HERE = os.path.dirname(os.path.realpath(__file__))
SEED = 20240229
EXIT_LIMIT = 30   # seconds, of the sampling of one cell
BURST_LIMIT = 20
SPAWN_LIMIT = 120
PYTHONS = ["python3.11", "python3.10", "python3.9", "python3"]
PR_SET_CHILD_SUBREAPER = 36


def say(text):
    print(text, file=sys.stderr, flush=True)


def find_python():
    """The command of a Python that is most likely to have all watchers."""
    for name in PYTHONS:
        # A name on the PATH may be a shim for a version that is not installed.
        path = shutil.which(name)
        code = "import sys; print(sys.executable)"
        found = path and subprocess.run([path, "-c", code], text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, check=False)
        if found and found.returncode == 0:
            return found.stdout.strip()
    return sys.executable


def list_rows(makers):
    """Lines of type row, each with its command."""
    for maker, command in makers.items():
        if not os.path.exists(command[-1]):
            reason = "not built" + (", without libuv1-dev" if maker == "libuv" else "")
            yield {"type": "row", "row": maker, "unavailable": reason}, command
            continue
        listed = subprocess.run([*command, "list"], text=True, stdout=subprocess.PIPE, check=True)
        for line in listed.stdout.splitlines():
            name, _, reason = line.partition("\t")
            yield {"type": "row", "row": name, "unavailable": reason}, command


def reap_what_is_left():
    """Reaps the orphans of an ended cell, and returns how many there were."""
    count = 0
    while True:
        try:
            os.waitpid(-1, 0)
            count += 1
        except ChildProcessError:
            return count


def run_cell(command, cell, samples, program):
    """Returns the cell with its figures, or with "error". Nothing of it lives on."""
    limit = cell["limit_s"]
    error = None
    # Files, because the children of a cell that died would hold a pipe open.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        # Not in our group, so that Ctrl-C is ours alone and all of the cell's can be killed.
        process = subprocess.Popen(
            [*command, cell["kind"], cell["row"], str(cell["children"]), str(samples),
             str(cell["seed"]), str(limit), program],
            stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        try:
            process.wait(timeout=limit + SPAWN_LIMIT)
        except subprocess.TimeoutExpired:
            error = f"did not end within {limit + SPAWN_LIMIT} s"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            left = reap_what_is_left()
        out.seek(0)
        err.seek(0)
        figures, said = out.read(), err.read().splitlines()
    if error is None and process.returncode != 0:
        error = said[-1] if said else f"ended with {process.returncode}"
    if error is not None:
        return {**cell, "error": error}
    for line in said[-3:]:
        say(line)
    return {**cell, **json.loads(figures), "left_behind": left}


def figure_of(cell, warm_up):
    if "error" in cell:
        return f"failed: {cell['error']}"
    if cell["kind"] == "burst":
        return report.burst_text(cell)
    latency = cell["latency_ns"][warm_up:]
    if not latency:
        return "no sample in time"
    return f"{report.rank(latency, 0.5) / 1000:.0f} µs, {len(latency)} samples"


def plan(rows, counts, bursts, rounds):
    """The cells, in the order of their measuring."""
    for number in range(1, rounds + 1):
        for kind, children in [*(("exit", count) for count in counts),
                               *(("burst", count) for count in bursts)]:
            for row, command in rows if number % 2 else reversed(rows):
                yield command, {"type": "cell", "row": row["row"], "round": number, "kind": kind,
                                "children": children, "seed": SEED + number,
                                "limit_s": BURST_LIMIT if kind == "burst" else EXIT_LIMIT}


def measure(cells, options, warm_up, program, keep):
    def cost(cell):  # about so long, in whatever unit
        return 700 + cell["children"]

    whole, done, start = sum(cost(cell) for _, cell in cells), 0, time.monotonic()
    for index, (command, cell) in enumerate(cells, 1):
        cell = run_cell(command, cell, options.samples + warm_up, program)
        keep(cell)
        done += cost(cell)
        left = (time.monotonic() - start) / done * (whole - done)
        say(f"[{index}/{len(cells)}, {left / 60:.0f} min left] round {cell['round']}, "
            f"{cell['kind']}, {cell['children']} children, {cell['row']}: "
            f"{figure_of(cell, warm_up)}")


def parse(arguments):
    def numbers(text):
        return [int(part) for part in text.split(",") if part]

    parser = argparse.ArgumentParser(prog="tests/benchmark/run",
                                     description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true",
                        help="few children, samples and rounds: to see that it works")
    parser.add_argument("--rows", metavar="REGEX", default="",
                        help="only the rows whose name matches; the others are not judged")
    parser.add_argument("--json", metavar="FILE", help="also keep the raw lines")
    parser.add_argument("--children", type=numbers, metavar="N,...",
                        help="numbers of live children (10,100,1000,4000)")
    parser.add_argument("--burst", type=numbers, metavar="N", help="size of the burst (4000)")
    parser.add_argument("--samples", type=int, help="a cell (200)")
    parser.add_argument("--rounds", type=int, help="odd, so that there is a median (3)")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    parser.add_argument("--build", metavar="DIR", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    quick = options.quick
    options.children = options.children or ([10, 1000] if quick else [10, 100, 1000, 4000])
    options.burst = options.burst or [1000 if quick else 4000]
    options.samples = options.samples or (40 if quick else 200)
    options.rounds = options.rounds or (1 if quick else 3)
    return options


def main(arguments):
    options = parse(arguments)
    cells_of = os.path.join(options.build, "tests", "benchmark")
    program = os.path.join(options.build, "tests", "programs", "wait_forever")
    python = find_python()
    rows = [(row, command) for row, command in list_rows({
        "proctor": [os.path.join(cells_of, "proctor_cell")],
        "asyncio": [python, os.path.join(HERE, "asyncio_cell.py")],
        "libuv": [os.path.join(cells_of, "libuv_cell")],
    }) if re.search(options.rows, row["row"])]
    if options.list:
        for row, _ in rows:
            print(f"{row['row']}: {row['unavailable'] or 'available'}")
        return 0

    # The children of a cell that dies become ours, and are reaped here.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    signal.signal(signal.SIGHUP, lambda number, _: sys.exit(128 + number))

    version = subprocess.run([python, "--version"], text=True, stdout=subprocess.PIPE, check=True)
    warm_up = max(1, options.samples // 10)
    machine = (f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()}, "
               f"{version.stdout.strip()}")
    lines = []
    file = open(options.json, "w", encoding="utf-8") if options.json else None

    def keep(line):
        lines.append(line)
        if file:
            print(json.dumps(line), file=file, flush=True)

    keep({"type": "run", "seed": SEED, "samples": options.samples, "warm_up": warm_up,
          "rounds": options.rounds, "machine": machine})
    for row, _ in rows:
        keep(row)
        if row["unavailable"]:
            say(f"{row['row']} is left out: {row['unavailable']}")
    measured = [pair for pair in rows if not pair[0]["unavailable"]]
    cells = list(plan(measured, options.children, options.burst, options.rounds))
    say(f"seed {SEED}, {machine}, {len(cells)} cells")
    try:
        measure(cells, options, warm_up, program, keep)
    except KeyboardInterrupt:
        say("interrupted; what there is:")
        print(report.report(lines))
        return 130
    print(report.report(lines))
    return 1 if any("error" in line for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
