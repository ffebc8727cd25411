#!/usr/bin/env python3
"""The installed client library and its example: installs, builds against the package, runs.

usage: client_example_test.py SCRATCH PROCTORD CMAKE [CONFIGURE_ARGUMENT...]

The library is installed from the build tree around SCRATCH, which must be built. SCRATCH is
reused, so that the example is compiled only when it or the library has changed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "client/examples"
SCRATCH = pathlib.Path(sys.argv[1]).resolve()
PROCTORD, CMAKE, *CONFIGURE = sys.argv[2:]
BUILD_TREE = SCRATCH.parents[2]
PREFIX = SCRATCH / "prefix"
EXAMPLE_BUILD = SCRATCH / "example"


def show(*command):
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


class ClientExampleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Files keep their times, so that a new prefix makes nothing to compile.
        shutil.rmtree(PREFIX, ignore_errors=True)
        for component in ("core", "client"):
            show(CMAKE, "--install", BUILD_TREE, "--prefix", PREFIX, "--component", component)
        show(CMAKE, "-S", EXAMPLES, "-B", EXAMPLE_BUILD, *CONFIGURE, f"-Dproctor_ROOT={PREFIX}",
             "--no-warn-unused-cli")
        show(CMAKE, "--build", EXAMPLE_BUILD)

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="proctor-client-")
        self.addCleanup(shutil.rmtree, self.directory)
        self.host = f"unix:{self.directory}/proctord.sock"
        read, write = os.pipe()
        self.server = subprocess.Popen(
            [PROCTORD, f"--listen={self.host}", "--state-dir=none", "--log-level=warning",
             f"--ready-fd={write}"], pass_fds=[write])
        self.addCleanup(self.end_server)
        os.close(write)
        with os.fdopen(read) as ready:
            self.assertEqual(ready.read(), "READY\n")

    def end_server(self):
        self.server.terminate()
        self.assertEqual(self.server.wait(timeout=60), 0)

    def run_and_read(self, *arguments):
        done = subprocess.run([EXAMPLE_BUILD / "run_and_read", *arguments], capture_output=True,
                              text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_the_example_was_built_with_what_was_installed(self):
        cache = (EXAMPLE_BUILD / "CMakeCache.txt").read_text()
        package = pathlib.Path(re.search("^proctor_DIR:PATH=(.*)$", cache, re.MULTILINE)[1])
        self.assertTrue(package.is_relative_to(PREFIX), package)

    def test_the_package_names_nothing_of_the_checkout_nor_its_warnings(self):
        texts = [file.read_text() for file in PREFIX.rglob("*.cmake")]
        self.assertTrue([text for text in texts if "proctor::client" in text])
        for unwanted in (str(EXAMPLES.parents[1]), str(BUILD_TREE), "proctor::flags", "-W"):
            self.assertFalse([text for text in texts if unwanted in text], unwanted)

    def test_the_output_comes_and_the_exit_code(self):
        self.assertEqual(
            self.run_and_read(self.host, "sh", "-c", "echo out; echo err >&2; exit 3"),
            (0, "out\nexit code 3\n", "err\n"))

    def test_a_signal_is_told_by_its_name(self):
        self.assertEqual(self.run_and_read(self.host, "sh", "-c", "kill -TERM $$"),
                         (0, "signal SIGTERM\n", ""))

    def test_a_refusal_has_its_reason(self):
        code, out, err = self.run_and_read(self.host, "/nowhere/program")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("(EXECUTABLE_NOT_FOUND)", err)

    def test_a_server_that_is_not_there_is_an_error(self):
        code, out, err = self.run_and_read(f"unix:{self.directory}/nobody.sock", "true")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("(UNAVAILABLE)", err)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
