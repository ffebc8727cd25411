#!/usr/bin/env python3
"""The installed client library and its example: installs, builds against the package, runs.

usage: client_example_test.py SCRATCH PROCTORD CMAKE [CONFIGURE_ARGUMENT...]

The library is installed from the build tree around SCRATCH, which must be built. SCRATCH is
reused, so that the example is compiled only when it or the library has changed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from installed_package import ROOT, InstalledPackage, run

PROCTORD = sys.argv[2]


class ClientExampleTest(InstalledPackage, unittest.TestCase):
    component = "client"
    installed = ("core", "client")
    examples = "client/examples"
    headers = "client/include"
    scratch = pathlib.Path(sys.argv[1]).resolve()
    build_tree = scratch.parents[2]
    cmake, *configure = sys.argv[3:]
    contract = [f"proctor/v1/{file.stem}{suffix}"
                for file in (ROOT / "proto/proctor/v1").glob("*.proto")
                for suffix in (".pb.h", ".grpc.pb.h")
                if suffix == ".pb.h" or file.stem.endswith("_service")]

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
        return run(self.example_build / "run_and_read", *arguments)

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
