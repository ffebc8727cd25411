"""Whether the benchmark of events still works: a few samples of each cell, and nothing said of
how fast.

usage: event_smoke_test.py BUILD_DIRECTORY
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
SAMPLES = 5


def require(condition, text):
    if not condition:
        sys.exit(f"benchmark.events_smoke: {text}")


def main(build):
    with tempfile.TemporaryDirectory(prefix="proctor-benchmark-") as directory:
        path = os.path.join(directory, "cells.json")
        done = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "run_event_cells.py"), "--build", build,
             "--json", path, "--samples", str(SAMPLES), "--seconds", "0.4", "--rate", "50",
             "--fanout-rate", "200", "--subscribers", "3", "--stopped", "2", "--events", "300",
             "--rounds", "1", "--state-root", directory],
            stdout=subprocess.PIPE, text=True, check=False)
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
    print(done.stdout)
    require(done.returncode == 0, f"ended with {done.returncode}")
    cells = [line for line in lines if line["type"] == "cell"]
    require(len(cells) == 18, f"there are {len(cells)} cells")
    for cell in cells:
        if cell["kind"] == "memory":
            continue
        if cell["kind"] == "fanout":
            samples = {40: 3, 200: 21}[cell["rate"]]
        else:
            samples = 21 if cell["rate"] else SAMPLES + 1
        require(len(cell["latency_ns"]) == samples, f"samples are missing: {cell}")
        require(min(cell["latency_ns"]) > 0, f"what happened took no time: {cell}")
    require("not measured" not in done.stdout, "a figure is missing")


if __name__ == "__main__":
    main(sys.argv[1])
