#!/usr/bin/env python3
"""A run that loses its server, its output or its user.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import os
import signal
import unittest

from command_test_case import CommandTestCase


class LossTest(CommandTestCase):
    def test_control_c_goes_to_the_process(self):
        process = self.popen("run", "--", "sh", "-c", "trap 'echo caught; exit 9' INT; echo ready; "
                             "while :; do sleep 0.05; done")
        self.assertEqual(self.read_line(process), b"ready\n")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (9, b"caught\n"))

    def test_a_lost_server_is_never_a_success(self):
        process = self.popen("run", "--", "sh", "-c", "echo $$; exec sleep 1000")
        child = int(self.read_line(process))
        self.server.end(signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        os.kill(child, signal.SIGKILL)
        self.assertEqual(process.returncode, 125)
        self.assertTrue(err)

    def test_a_draining_server_tells_the_stream_how_it_ended(self):
        process = self.popen("run", "--", "sh", "-c", "echo ready; exec sleep 1000")
        self.assertEqual(self.read_line(process), b"ready\n")
        self.assertEqual(self.server.end(), 0)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143)

    def test_a_closed_stdout_ends_it_as_it_would_end_locally(self):
        process = self.popen("run", "--", "yes")
        self.read_line(process)
        process.stdout.close()
        self.assertIn(process.wait(timeout=60), (141, -signal.SIGPIPE))
        process.stderr.close()

    def test_a_full_disk_is_not_a_success(self):
        with open("/dev/full", "wb") as full:
            code, _, err = self.run_cli("run", "--", "echo", "x", stdout=full)
        self.assertEqual(code, 125)
        self.assertIn("No space left", err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
