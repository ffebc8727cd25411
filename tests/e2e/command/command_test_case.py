"""What the tests of the client's verbs stand on."""

import json
import os
import shutil
import subprocess
import unittest

from server_process import PROCTOR, Server


class CommandTestCase(unittest.TestCase):
    """A server of the test's own, and the client as a user types it."""

    def setUp(self):
        self.server = Server()
        self.environment = dict(os.environ, PROCTOR_HOST=self.server.host)

    def tearDown(self):
        if self.server.process.poll() is None:
            self.assertEqual(self.server.end(), 0)
        else:
            shutil.rmtree(self.server.directory, ignore_errors=True)

    def popen(self, *arguments, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([PROCTOR, *arguments], env=self.environment, **options)

    def run_cli(self, *arguments, input=None, **options):
        if input is not None:
            options["stdin"] = subprocess.PIPE
        process = self.popen(*arguments, **options)
        out, err = process.communicate(input=input, timeout=120)
        return process.returncode, out, err.decode()

    def run_told(self, *arguments):
        """Runs with --json-file: returns the exit code, stdout and the messages."""
        path = os.path.join(self.server.directory, "messages")
        code, out, _ = self.run_cli("run", "--json-file", path, *arguments)
        with open(path) as file:
            return code, out, [json.loads(line) for line in file]

    def read_line(self, process):
        return process.stdout.readline()
