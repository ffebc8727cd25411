#!/usr/bin/env python3
"""The example server with a policy of its own, called by the real client.

Needs PROCTORD, the path of custom_policy_server, and PROCTOR.
"""

import json
import os
import subprocess
import tempfile
import unittest

from server_process import PROCTOR, PROCTORD, Server


class CustomPolicyTest(unittest.TestCase):
    def serve(self, *flags):
        self.log = tempfile.TemporaryFile("w+")
        self.addCleanup(self.log.close)
        self.server = Server("--log-level=info", *flags, stderr=self.log)
        self.addCleanup(lambda: self.assertEqual(self.server.end(), 0))

    def proctor(self, *arguments):
        environment = dict(os.environ, PROCTOR_HOST=self.server.host)
        return subprocess.run([PROCTOR, *arguments], env=environment, capture_output=True,
                              text=True, timeout=60, check=False)

    def json(self, *arguments):
        """The objects that a verb prints."""
        done = self.proctor(*arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def announced(self):
        """The names of the threads that the policy has announced."""
        self.log.seek(0)
        lines = [line for line in self.log.read().splitlines() if "debug policy " in line]
        return [line.split("thread=")[1].split()[0] for line in lines]

    def test_it_is_one_policy_among_the_others(self):
        self.serve()
        info = self.json("info")[0]
        self.assertEqual(info["policy"], "default")
        available = {choice["name"]: choice.get("available") for choice in info["policies"]}
        self.assertEqual((available["debug"], available["default"]), (True, True))
        self.assertEqual(self.proctor("run", "--", "true").returncode, 0)
        self.assertEqual(self.announced(), [])

        session = self.json("session", "create", "--policy", "debug")[0]
        self.assertEqual(session["policy"], "debug")
        self.assertEqual(self.announced(), ["session-" + session["session_id"][:7]])
        run = self.proctor("run", "--session", session["session_id"], "--", "sh", "-c",
                           "echo out; exit 3")
        self.assertEqual((run.returncode, run.stdout), (3, "out\n"))

    def test_the_policy_flag_makes_it_that_of_the_main_thread_and_of_sessions(self):
        self.serve("--policy=debug")
        self.assertEqual(self.announced(), [os.path.basename(PROCTORD)[:15]])
        self.assertEqual(self.json("info")[0]["policy"], "debug")
        self.assertEqual(self.proctor("run", "--", "sh", "-c", "exit 4").returncode, 4)
        session = self.json("session", "ls")[0]
        self.assertEqual(session["policy"], "debug")
        self.assertEqual(self.announced()[1:], ["session-" + session["session_id"][:7]])

    def test_an_unknown_policy_is_refused_with_the_known_ones(self):
        done = subprocess.run([PROCTORD, "--policy=nope"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no policy 'nope'; there are: debug, default", done.stderr)
        self.serve()
        done = self.proctor("session", "create", "--policy", "nope")
        self.assertEqual(done.returncode, 125)
        self.assertIn("no policy 'nope'; there are: debug, default", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
