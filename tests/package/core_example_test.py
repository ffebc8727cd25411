#!/usr/bin/env python3
"""The installed core and its examples: installs, builds against the package, runs.

usage: core_example_test.py SCRATCH CMAKE [CONFIGURE_ARGUMENT...]

The core is installed from the build tree around SCRATCH, which must be built. SCRATCH is
reused, so that the examples are compiled only when they or the core have changed.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from installed_package import InstalledPackage, run


class CoreExampleTest(InstalledPackage, unittest.TestCase):
    component = "core"
    installed = ("core",)
    examples = "core/examples"
    headers = "core/include"
    unwanted = ("gRPC",)
    configure_with = ("-DCMAKE_DISABLE_FIND_PACKAGE_gRPC=ON",
                      "-DCMAKE_DISABLE_FIND_PACKAGE_Protobuf=ON")
    scratch = pathlib.Path(sys.argv[1]).resolve()
    build_tree = scratch.parents[1]
    cmake, *configure = sys.argv[2:]

    def test_its_component_is_found_and_no_other(self):
        for component, found in (("core", True), ("nope", False)):
            project = self.scratch / f"find_{component}"
            shutil.rmtree(project, ignore_errors=True)
            project.mkdir()
            (project / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(find LANGUAGES C CXX)\n"
                f"find_package(proctor REQUIRED COMPONENTS {component})\n")
            done = subprocess.run([self.cmake, "-S", project, "-B", project / "build",
                                   *self.configure, f"-Dproctor_ROOT={self.prefix}",
                                   "--no-warn-unused-cli"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode == 0, found, done.stderr)
            self.assertEqual(component in done.stderr, not found, done.stderr)

    def test_watch_children_tells_of_each_end(self):
        code, out, err = run(self.example_build / "watch_children")
        print(out, flush=True)
        self.assertEqual((code, err), (0, ""))
        ends = re.findall(r"^pid (\d+): returncode (-?\d+), cpu time (\S+)$", out, re.MULTILINE)
        self.assertEqual(len(ends), len(out.splitlines()))
        pids, codes, times = zip(*ends)
        self.assertEqual(len(set(pids)), 4)
        self.assertEqual(sorted(map(int, codes)), [-15, 0, 0, 3])
        # Some kernels count in ticks, of which only the longest child has one.
        self.assertTrue(set(times) - {"0"}, times)

    def test_read_output_feeds_and_reads_a_command(self):
        program = self.example_build / "read_output"
        self.assertEqual(run(program, "sort", stdin="b\na\n"), (0, "a\nb\nexit 0, 4 bytes\n", ""))
        self.assertEqual(run(program, "sh", "-c", "echo err >&2; exit 3"),
                         (0, "exit 3, 0 bytes\n", "err\n"))

    def test_read_output_copes_with_a_command_that_reads_nothing(self):
        program = self.example_build / "read_output"
        self.assertEqual(run(program, "true", stdin="x" * 1000000), (0, "exit 0, 0 bytes\n", ""))

    def test_read_output_says_why_a_command_does_not_start(self):
        code, out, err = run(self.example_build / "read_output", "/nowhere/program")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("/nowhere/program", err)

    def test_own_policy_gives_each_thread_a_loop_and_all_its_watcher(self):
        self.assertEqual(run(self.example_build / "own_policy"),
                         (0, "main thread: SIGTERM, seen by threaded\n"
                             "other thread: exit 3, seen by threaded\n", ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
