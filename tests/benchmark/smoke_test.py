"""Whether the benchmark still works: ten children and a few samples of each row of ours,
and nothing said of how fast.

usage: smoke_test.py BUILD_DIRECTORY
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
CHILDREN, SAMPLES = 10, 5


def require(condition, text):
    if not condition:
        sys.exit(f"benchmark.smoke: {text}")


def check_cell(cell, warm_up):
    require("error" not in cell, f"a cell failed: {cell}")
    require(cell["left_behind"] == 0, f"children were left behind: {cell}")
    if cell["kind"] == "burst":
        require(cell["told"] == CHILDREN, f"exits are missing: {cell}")
        times = [cell["elapsed_ns"], cell["cpu_ns"]]
    else:
        times = cell["latency_ns"]
        require(len(times) == len(cell["cpu_ns"]) == SAMPLES + warm_up,
                f"samples are missing: {cell}")
    require(all(time > 0 for time in times), f"what happened took no time: {cell}")


def main(build):
    with tempfile.TemporaryDirectory(prefix="proctor-benchmark-") as directory:
        path = os.path.join(directory, "cells.json")
        done = subprocess.run(
            [sys.executable, "-B", os.path.join(HERE, "run_cells.py"), "--build", build,
             "--json", path, "--rows", "^proctor/", "--children", str(CHILDREN),
             "--burst", str(CHILDREN), "--samples", str(SAMPLES), "--rounds", "1"],
            stdout=subprocess.PIPE, text=True, check=False)
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
    print(done.stdout)
    require(done.returncode == 0, f"ended with {done.returncode}")

    run = next(line for line in lines if line["type"] == "run")
    rows = {line["row"] for line in lines if line["type"] == "row" and not line["unavailable"]}
    cells = {(line["row"], line["kind"]): line for line in lines if line["type"] == "cell"}
    require("proctor/threaded/default" in rows, f"the row that works everywhere is not in {rows}")
    require(set(cells) == {(row, kind) for row in rows for kind in ("exit", "burst")},
            f"these rows {rows} do not fit these cells {set(cells)}")
    for cell in cells.values():
        check_cell(cell, run["warm_up"])
    for row in rows:
        require(f"\n| {row} | " in done.stdout, f"{row} is not in the table")


if __name__ == "__main__":
    main(sys.argv[1])
