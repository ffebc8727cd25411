"""asyncio_cell: one cell of the benchmark with a child watcher of asyncio, or with `list`
the rows there are: `asyncio/WATCHER`, a tab, and why it cannot work here.

usage: asyncio_cell.py list | exit|burst ROW CHILDREN SAMPLES SEED LIMIT_SECONDS PROGRAM

It does what cell.h tells, with the same naps and the same choice of victims.
"""

import asyncio
import json
import logging
import os
import platform
import resource
import select
import signal
import sys
import time
import warnings

WATCHERS = ["PidfdChildWatcher", "ThreadedChildWatcher", "MultiLoopChildWatcher",
            "SafeChildWatcher", "FastChildWatcher"]
NAP_BEFORE = 0.001
NAP_AFTER = 0.0002
READY_TIMEOUT_MS = 10_000
READY = b"ready\n"
OTHER_DESCRIPTORS = 64


def list_rows():
    for name in WATCHERS:
        reason = ""
        if not hasattr(asyncio, name):
            reason = f"Python {platform.python_version()} has no {name}"
        elif name == "PidfdChildWatcher":
            try:
                os.close(os.pidfd_open(os.getpid()))
            except (AttributeError, OSError) as error:
                reason = f"pidfd_open: {error}"
        print(f"asyncio/{name}\t{reason}")


def allow_descriptors(children):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    needed = children + OTHER_DESCRIPTORS
    if most != resource.RLIM_INFINITY and most < needed:
        sys.exit(f"{needed} descriptors are needed, and {most} allowed (ulimit -Hn)")


class MinimalRandom:
    """std::minstd_rand."""

    def __init__(self, seed):
        self.state = seed % 2147483647 or 1

    def __call__(self):
        self.state = self.state * 48271 % 2147483647
        return self.state


class Complaints(logging.Handler):
    """Counts what asyncio would write to stderr.

    A burst can make a million tracebacks; their writing is not what is measured here.
    """

    def __init__(self):
        super().__init__()
        self.count, self.first = 0, None
        logger = logging.getLogger("asyncio")
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record):
        self.count += 1
        self.first = self.first or record.getMessage()


class Cell:
    def __init__(self, kind, row, children, samples, seed, limit, program):
        self.burst = kind == "burst"
        self.children, self.samples, self.limit, self.program = children, samples, limit, program
        self.random = MinimalRandom(seed)
        self.live = [0] * children
        self.latency, self.cpu = [], []
        self.told = 0
        self.error = None
        self.complaints = Complaints()
        self.ready_read, self.ready_write = os.pipe()
        self.ready = select.poll()
        self.ready.register(self.ready_read, select.POLLIN)
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.watcher = getattr(asyncio, row.partition("/")[2])()
        self.watcher.attach_loop(self.loop)
        # Nor is a line for each signal that finds the wakeup socket full.
        signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)

    def run(self):
        self.loop.set_exception_handler(self.fail)
        self.loop.call_soon(self.start)
        self.loop.run_forever()
        if self.error:
            raise self.error
        figures = {"latency_ns": self.latency, "cpu_ns": self.cpu}
        if self.burst:
            figures = {"told": self.told, "elapsed_ns": self.latency[0], "cpu_ns": self.cpu[0]}
        if self.complaints.count:
            figures["complaints"] = f"{self.complaints.count:,}, first: {self.complaints.first}"
        return figures

    def fail(self, _, context):
        self.error = context.get("exception") or RuntimeError(context["message"])
        self.loop.stop()

    def start(self):
        for slot in range(self.children):
            self.spawn_into(slot)
        self.loop.call_later(self.limit, self.end_burst if self.burst else self.loop.stop)
        self.loop.call_soon(self.kill_all if self.burst else self.kill_one)

    def spawn_into(self, slot):
        with self.watcher:
            self.live[slot] = pid = os.posix_spawn(
                self.program, [self.program], {},
                file_actions=[(os.POSIX_SPAWN_DUP2, self.ready_write, 1)])
            self.watcher.add_child_handler(pid, self.on_exit, slot)
        said = b""
        while len(said) < len(READY):
            if not self.ready.poll(READY_TIMEOUT_MS):
                raise TimeoutError("a child did not get ready")
            said += os.read(self.ready_read, len(READY) - len(said))

    def kill_one(self):
        if len(self.latency) == self.samples:
            self.loop.stop()
            return
        self.victim = (self.random() - 1) % self.children
        pid = self.live[self.victim]
        time.sleep(NAP_BEFORE)
        cpu_at_rest = time.process_time_ns()
        time.sleep(NAP_AFTER)
        self.cpu_before = time.process_time_ns()
        self.nap_cpu = self.cpu_before - cpu_at_rest
        self.killed_at = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)

    def on_exit(self, pid, returncode, slot):
        self.told_at = time.monotonic_ns()
        self.live[slot] = 0
        if self.burst:
            self.told += 1
            if self.told == self.children:
                self.end_burst()
        elif slot == self.victim:
            self.loop.call_soon(self.end_sample)
        else:
            raise RuntimeError("a child ended that nobody killed")

    def end_sample(self):
        time.sleep(NAP_AFTER)
        self.cpu.append(time.process_time_ns() - self.cpu_before - self.nap_cpu)
        self.latency.append(self.told_at - self.killed_at)
        self.spawn_into(self.victim)
        self.loop.call_soon(self.kill_one)

    def kill_all(self):
        time.sleep(NAP_BEFORE)
        self.cpu_before = time.process_time_ns()
        self.killed_at = time.monotonic_ns()
        for pid in self.live:
            os.kill(pid, signal.SIGKILL)

    def end_burst(self):
        if self.cpu:
            return  # the limit came with the last exit
        if self.told < self.children:
            self.told_at = time.monotonic_ns()
        self.cpu.append(time.process_time_ns() - self.cpu_before)
        self.latency.append(self.told_at - self.killed_at)
        self.loop.stop()

    def end_children(self):
        """Kills and reaps what lives; the watcher's threads may reap it as well."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for act in (lambda pid: os.kill(pid, signal.SIGKILL), lambda pid: os.waitpid(pid, 0)):
            for pid in filter(None, self.live):
                try:
                    act(pid)
                except (ProcessLookupError, ChildProcessError):
                    pass


def interrupted(number, _):
    raise SystemExit(128 + number)


def main(arguments):
    if arguments == ["list"]:
        list_rows()
        return
    if len(arguments) != 7:
        sys.exit(__doc__)
    kind, row, children, samples, seed, limit, program = arguments
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    allow_descriptors(int(children))
    cell = Cell(kind, row, int(children), int(samples), int(seed), float(limit), program)
    code = 1
    try:
        print(json.dumps(cell.run()), flush=True)
        code = 0
    except SystemExit as end:
        code = end.code
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        cell.end_children()
        # Thousands of threads may still wait; to take them down would be another benchmark.
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
