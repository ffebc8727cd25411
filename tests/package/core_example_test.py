#!/usr/bin/env python3
"""The installed core and its example: installs, builds against the package, runs.

usage: core_example_test.py SCRATCH CMAKE [CONFIGURE_ARGUMENT...]

The core is installed from the build tree around SCRATCH, which must be built. SCRATCH is
reused, so that the example is compiled only when it or the core has changed.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "core/examples"
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
CMAKE, *CONFIGURE = sys.argv[2:]
BUILD_TREE = SCRATCH.parents[1]
PREFIX = SCRATCH / "prefix"
EXAMPLE_BUILD = SCRATCH / "example"


def show(*command):
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


class CoreExampleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Files keep their times, so that a new prefix makes nothing to compile.
        shutil.rmtree(PREFIX, ignore_errors=True)
        show(CMAKE, "--install", BUILD_TREE, "--prefix", PREFIX, "--component", "core")
        show(CMAKE, "-S", EXAMPLES, "-B", EXAMPLE_BUILD, *CONFIGURE, f"-Dproctor_ROOT={PREFIX}",
             "-DCMAKE_DISABLE_FIND_PACKAGE_gRPC=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_Protobuf=ON",
             "--no-warn-unused-cli")
        show(CMAKE, "--build", EXAMPLE_BUILD)

    def test_the_example_was_built_with_what_was_installed(self):
        cache = (EXAMPLE_BUILD / "CMakeCache.txt").read_text()
        package = pathlib.Path(re.search("^proctor_DIR:PATH=(.*)$", cache, re.MULTILINE)[1])
        self.assertTrue(package.is_relative_to(PREFIX), package)

    def test_the_package_names_nothing_of_the_checkout_nor_its_warnings(self):
        texts = [file.read_text() for file in PREFIX.rglob("*.cmake")]
        self.assertGreaterEqual(len(texts), 4)
        for unwanted in (str(EXAMPLES.parents[1]), str(BUILD_TREE), "proctor::flags", "gRPC", "-W"):
            self.assertFalse([text for text in texts if unwanted in text], unwanted)

    def test_its_component_is_found_and_no_other(self):
        for component, found in (("core", True), ("nope", False)):
            project = SCRATCH / f"find_{component}"
            shutil.rmtree(project, ignore_errors=True)
            project.mkdir()
            (project / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(find LANGUAGES C CXX)\n"
                f"find_package(proctor REQUIRED COMPONENTS {component})\n")
            done = subprocess.run([CMAKE, "-S", project, "-B", project / "build", *CONFIGURE,
                                   f"-Dproctor_ROOT={PREFIX}", "--no-warn-unused-cli"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode == 0, found, done.stderr)
            self.assertEqual(component in done.stderr, not found, done.stderr)

    def test_the_example_tells_of_each_end(self):
        done = subprocess.run([EXAMPLE_BUILD / "watch_children"], capture_output=True, text=True,
                              timeout=60, check=False)
        print(done.stdout, flush=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        ends = re.findall(r"^pid (\d+): returncode (-?\d+), cpu time (\S+)$", done.stdout,
                          re.MULTILINE)
        self.assertEqual(len(ends), len(done.stdout.splitlines()))
        pids, codes, times = zip(*ends)
        self.assertEqual(len(set(pids)), 4)
        self.assertEqual(sorted(map(int, codes)), [-15, 0, 0, 3])
        # Some kernels count in ticks, of which only the longest child has one.
        self.assertTrue(set(times) - {"0"}, times)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
