#!/usr/bin/env python3
"""The places that a server takes: its socket and its state directory.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import os
import shutil
import subprocess
import unittest

from server_process import PROCTORD, Server


class PlaceTest(unittest.TestCase):
    def refused(self, *flags):
        result = subprocess.run([PROCTORD, "--state-dir=none", *flags], capture_output=True,
                                text=True, timeout=60)
        self.assertNotEqual(result.returncode, 0)
        return result.stderr

    def test_two_servers_do_not_share_a_socket(self):
        server = Server()
        try:
            self.assertIn("another server", self.refused(f"--listen={server.host}"))
        finally:
            self.assertEqual(server.end(), 0)

    def test_two_servers_do_not_share_a_state_directory(self):
        server = Server()
        try:
            said = self.refused(f"--listen=unix:{server.directory}/other.sock",
                                f"--state-dir={server.directory}/state")
            self.assertIn(f"in use by another server (pid {server.process.pid})", said)
        finally:
            self.assertEqual(server.end(), 0)

    def test_the_socket_of_a_dead_server_is_taken_over(self):
        first = Server()
        directory, host = first.directory, first.host
        first.process.kill()
        first.process.wait()
        read, write = os.pipe()
        second = subprocess.Popen([PROCTORD, f"--listen={host}", f"--state-dir={directory}/state",
                                   "--log-level=warning", f"--ready-fd={write}"],
                                  pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as ready:
            self.assertEqual(ready.read(), "READY\n")
        second.terminate()
        self.assertEqual(second.wait(timeout=60), 0)
        shutil.rmtree(directory)


if __name__ == "__main__":
    unittest.main(verbosity=2)
