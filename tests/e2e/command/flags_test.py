#!/usr/bin/env python3
"""The flags of proctord: what it refuses to start with, and what it says.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import os
import subprocess
import tempfile
import unittest

from server_process import PROCTOR, PROCTORD, Server


class FlagsTest(unittest.TestCase):
    def refused(self, *flags):
        result = subprocess.run([PROCTORD, "--state-dir=none", *flags], capture_output=True,
                                text=True, timeout=60)
        self.assertNotEqual(result.returncode, 0)
        return result.stderr

    def test_wrong_flags(self):
        self.assertIn("--no-such", self.refused("--no-such"))
        self.assertIn("needs a value", self.refused("--listen"))
        self.assertIn("HOST:PORT", self.refused("--listen=nonsense"))
        self.assertIn("--tls-cert", self.refused("--listen=127.0.0.1:0"))
        self.assertIn("go together", self.refused("--tls-cert=/x"))
        self.assertIn("process, power", self.refused("--durability=no"))
        self.assertIn("168h", self.refused("--max-event-age=long"))
        self.assertIn("state directory '/proc/nowhere'", self.refused("--state-dir=/proc/nowhere"))
        self.assertIn("no watcher 'nope'", self.refused("--watcher=nope"))
        self.assertIn("no policy 'nope'", self.refused("--policy=nope"))

    def test_a_bare_number_is_seconds(self):
        server = Server("--spawn-timeout=2.5", "--drain-grace=7")
        try:
            info = subprocess.run([PROCTOR, f"--host={server.host}", "info"], capture_output=True,
                                  text=True, timeout=60).stdout
        finally:
            self.assertEqual(server.end(), 0)
        self.assertIn("2.5s from start to exec", info)
        self.assertIn("'-7' is not a duration", self.refused("--drain-grace=-7"))

    @unittest.skipIf(os.geteuid() != 0, "root alone is refused")
    def test_root_serves_no_tcp_without_tls(self):
        self.assertIn("refused for root", self.refused("--listen=127.0.0.1:0", "--insecure"))

    def test_the_group_of_a_socket_has_to_get_there(self):
        self.assertIn("no group 'no such group'", self.refused("--socket-group=no such group"))
        with tempfile.TemporaryDirectory(prefix="proctor-cli-") as directory:
            said = self.refused(f"--listen=unix:{directory}/sock", "--socket-group=65531")
            self.assertIn(f"chgrp 65531 '{directory}' and chmod g+x '{directory}'", said)
            self.assertEqual(os.stat(directory).st_mode & 0o777, 0o700)

    def test_info_tells_where_the_dashboard_is(self):
        for flags, wanted in ((), None), (("--http=127.0.0.1:0",), "http://127.0.0.1:"):
            server = Server(*flags)
            try:
                info = subprocess.run([PROCTOR, f"--host={server.host}", "info"],
                                      capture_output=True, text=True, timeout=60).stdout
            finally:
                self.assertEqual(server.end(), 0)
            if wanted is None:
                self.assertNotIn("Dashboard", info)
            else:
                line = next(line for line in info.splitlines() if line.startswith("Dashboard:"))
                self.assertIn(wanted, line)
                self.assertIn("'proctor dashboard'", line)
                self.assertLessEqual(len(line), 80)

    def test_closed_descriptors_are_nothing_else_of_the_servers(self):
        server = Server("--log-level=debug", "--dumpable",
                        through=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
        try:
            for descriptor in range(3):
                self.assertEqual(os.readlink(f"/proc/{server.process.pid}/fd/{descriptor}"),
                                 "/dev/null")
            ran = subprocess.run([PROCTOR, "run", "-i", "--", "sh", "-c", "cat; echo err >&2; exit 3"],
                                 env=dict(os.environ, PROCTOR_HOST=server.host), input=b"in\n",
                                 capture_output=True, timeout=60)
            self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (3, b"in\n", b"err\n"))
        finally:
            self.assertEqual(server.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
