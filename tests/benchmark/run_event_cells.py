#!/usr/bin/env python3
"""Runs the cells of the benchmark of events, each against a server of its own, and prints the
report. tests/benchmark/run_events builds first and hands its options on.

The cells that are compared follow one another, and every other round goes in the opposite
order, so that a machine that slows down favours none.
"""

import argparse
import contextlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time

import event_report

SEED = 20240229
LIMIT = 60           # seconds, of the sampling of one cell
CELL_TIMEOUT = 180
RECORDS = {"memory": ["--state-dir=none"], "process": ["--durability=process"],
           "power": ["--durability=power"]}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Server:
    """A proctord that ends with the block."""

    def __init__(self, options, flags):
        self.program = os.path.join(options.build, "bin", "proctord")
        self.root, self.flags = options.state_root, flags

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="proctor-benchmark-", dir=self.root)
        path = self.directory.name
        # A socket's path has to be short.
        self.sockets = tempfile.TemporaryDirectory(prefix="proctor-")
        self.target = f"unix:{self.sockets.name}/s"
        self.token = "benchmark-of-events-0123456789"
        with open(f"{path}/token", "w", encoding="ascii", opener=lambda name, flags: os.open(
                name, flags, 0o600)) as file:
            file.write(self.token + "\n")
        read, write = os.pipe()
        flags = self.flags
        if has_http(self.program):
            flags = [*flags, "--http=127.0.0.1:0", f"--http-token-file={path}/token"]
        with open(f"{path}/log", "wb") as log:
            self.process = subprocess.Popen(
                [self.program, f"--listen={self.target}", f"--state-dir={path}/state",
                 f"--ready-fd={write}", *flags], pass_fds=[write], stderr=log, stdout=log,
                start_new_session=True)
        os.close(write)
        with os.fdopen(read) as ready:
            if ready.read() != "READY\n":
                with open(f"{path}/log", encoding="utf-8") as log:
                    sys.exit(f"the server did not get ready: {log.read()}")
        with open(f"{path}/log", encoding="utf-8") as log:
            found = re.search(r"dashboard url=\"?http://([^/]*)/", log.read())
        self.http = f"{found[1]}/{self.token}" if found else None
        return self

    def rss(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s*(\d+) kB", file.read())[1]) * 1024

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.directory.cleanup()
        self.sockets.cleanup()


def has_http(program):
    said = subprocess.run([program, "--help"], text=True, stdout=subprocess.PIPE, check=True)
    return "--http=" in said.stdout or "--http " in said.stdout


def run_cell(options, *words):
    """Returns the figures, or {"error": why}."""
    program = os.path.join(options.build, "tests", "benchmark", "event_cell")
    try:
        done = subprocess.run([program, *map(str, words), options.program], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=CELL_TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"error": f"did not end within {CELL_TIMEOUT} s"}
    if done.returncode != 0:
        return {"error": (done.stderr.splitlines() or [f"ended with {done.returncode}"])[-1]}
    return json.loads(done.stdout)


@contextlib.contextmanager
def subscribers(options, server, count):
    """Subscribers that are processes of their own, and have begun."""
    program = os.path.join(options.build, "bin", "event_subscriber")
    processes, readers = [], []
    try:
        for _ in range(count):
            process = subprocess.Popen([program, server.target, ""], stdout=subprocess.PIPE,
                                       bufsize=0)
            processes.append(process)
            if not process.stdout.read(1):
                sys.exit(f"a subscriber ended with {process.wait()}")
            # What follows never makes it wait.
            readers.append(subprocess.Popen(["cat"], stdin=process.stdout,
                                            stdout=subprocess.DEVNULL))
            process.stdout.close()
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes + readers:
            process.wait()


def exit_cell(options, cell):
    flags = RECORDS[cell["record"]]
    with Server(options, flags) as server:
        source = "grpc" if cell["by"] == "grpc" else server.http
        if source is None:
            return {"error": "this proctord has no --http"}
        samples = options.samples + options.warm_up
        if cell["rate"]:
            samples = int(cell["rate"] * options.seconds) + options.warm_up
        children = max(20, int(cell["rate"] / 4))
        return run_cell(options, "exit", server.target, source, children, samples, cell["rate"],
                        cell["seed"], LIMIT)


def idle_seconds():
    """Of all processors, since the machine's start (proc(5))."""
    with open("/proc/stat", encoding="ascii") as file:
        idle, iowait = file.readline().split()[4:6]
    return (int(idle) + int(iowait)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def processors():
    """How busy they were in the block, as a share: near 1, latencies tell of nothing else."""
    use, began, idle = {}, time.monotonic(), idle_seconds()
    yield use
    whole = (time.monotonic() - began) * os.cpu_count()
    use["busy"] = 1 - (idle_seconds() - idle) / whole


def fanout_cell(options, cell):
    """What many others take with one more that goes on, or has stopped and whose way is full."""
    with Server(options, RECORDS["process"]) as server:
        with subscribers(options, server, 1) as one:
            if cell["stopped"]:
                one[0].send_signal(signal.SIGSTOP)
            filled = run_cell(options, "load", server.target, options.events)
            if "error" in filled:
                return filled
            with processors() as use:
                figures = run_cell(options, "fanout", server.target, options.subscribers,
                                   cell["rate"], 2 * options.seconds)
            return {**figures, **use}


def memory_cell(options, cell):
    """How much the server grows with so many stopped subscribers and many events."""
    with Server(options, RECORDS["process"]) as server:
        with subscribers(options, server, cell["stopped"]) as stopped:
            run_cell(options, "load", server.target, options.events)  # what is made once is made
            for process in stopped:
                process.send_signal(signal.SIGSTOP)
            before = server.rss()
            figures = run_cell(options, "load", server.target, options.events)
            return figures if "error" in figures else {"grown": server.rss() - before}


CELLS = {"exit": exit_cell, "fanout": fanout_cell, "memory": memory_cell}


def fanout_rates(options):
    """The rate of the goal, and one at which two processors have room to spare."""
    return [options.fanout_rate / 5, options.fanout_rate]


def plan(options):
    for number in range(1, options.rounds + 1):
        cells = [{"kind": "exit", "record": record, "by": by, "rate": rate}
                 for rate in [0, options.rate] for record in RECORDS for by in ["grpc", "sse"]]
        cells += [{"kind": "fanout", "stopped": stopped, "rate": rate}
                  for rate in fanout_rates(options) for stopped in [0, 1]]
        cells += [{"kind": "memory", "stopped": stopped} for stopped in [0, options.stopped]]
        for cell in cells if number % 2 else reversed(cells):
            yield {"type": "cell", "round": number, "seed": SEED + number, **cell}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tests/benchmark/run_events",
                                     description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="to see that it works")
    parser.add_argument("--json", metavar="FILE", help="also keep the raw lines")
    parser.add_argument("--only", choices=CELLS, action="append", help="only these kinds of cells")
    parser.add_argument("--samples", type=int, help="of an idle cell (300)")
    parser.add_argument("--seconds", type=float,
                        help="of a busy cell (5); with many subscribers twice as many")
    parser.add_argument("--rate", type=float, help="exits a second of a busy cell (1000)")
    parser.add_argument("--fanout-rate", type=float, help="events a second to many (1000)")
    parser.add_argument("--subscribers", type=int, help="so many (49)")
    parser.add_argument("--stopped", type=int, help="whose memory is measured (20)")
    parser.add_argument("--events", type=int, help="that a stopped one has before it (10000)")
    parser.add_argument("--rounds", type=int, help="odd, so that there is a median (3)")
    parser.add_argument("--state-root", metavar="DIR",
                        help="on the disk that events are recorded on (the build directory)")
    parser.add_argument("--build", metavar="DIR", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for name, whole, quick in [("samples", 300, 100), ("seconds", 5, 2), ("rate", 1000, 500),
                               ("fanout_rate", 1000, 500), ("subscribers", 49, 49),
                               ("stopped", 20, 10), ("events", 10000, 5000), ("rounds", 3, 1)]:
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else whole)
    options.state_root = options.state_root or options.build
    options.program = os.path.join(options.build, "tests", "programs", "wait_forever")
    options.warm_up = max(1, options.samples // 10)
    return options


def main(arguments):
    options = parse(arguments)
    lines = []
    file = open(options.json, "w", encoding="utf-8") if options.json else None

    def keep(line):
        lines.append(line)
        if file:
            print(json.dumps(line), file=file, flush=True)

    machine = f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()}"
    keep({"type": "run", "seed": SEED, "machine": machine, "warm_up": options.warm_up,
          "rounds": options.rounds, "rate": options.rate, "fanout_rates": fanout_rates(options),
          "subscribers": options.subscribers, "stopped": options.stopped,
          "events": options.events})
    cells = [cell for cell in plan(options) if not options.only or cell["kind"] in options.only]
    say(f"seed {SEED}, {machine}, {len(cells)} cells")
    for index, cell in enumerate(cells, 1):
        cell = {**cell, **CELLS[cell["kind"]](options, cell)}
        keep(cell)
        say(f"[{index}/{len(cells)}] {event_report.describe(cell, options.warm_up)}")
    print(event_report.report(lines))
    return 1 if any("error" in line for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
