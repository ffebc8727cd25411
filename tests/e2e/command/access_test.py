#!/usr/bin/env python3
"""Which users may call a server, and what its children may read of it.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import os
import re
import resource
import shutil
import subprocess
import tempfile
import unittest

from server_process import PROCTOR, PROCTORD


class AccessTest(unittest.TestCase):
    def test_tcp_without_tls_wants_a_token(self):
        with tempfile.TemporaryDirectory(prefix="proctor-cli-") as directory:
            # The server refuses root. Any other user will do.
            user = 65534 if os.geteuid() == 0 else None
            if user is not None:
                os.chown(directory, user, user)
            program = shutil.copy(PROCTORD, directory)
            os.chmod(program, 0o755)

            def started(*flags):
                server = subprocess.Popen(
                    [program, "--insecure", f"--state-dir={directory}/state", *flags], user=user,
                    group=user, extra_groups=None if user is None else [],
                    stderr=subprocess.PIPE, text=True)
                self.addCleanup(server.kill)
                return server

            public = started("--listen=0.0.0.0:0")
            self.assertIn("loopback", public.communicate(timeout=60)[1])
            homeless = started("--listen=127.0.0.1:0", "--state-dir=none")
            self.assertIn("--token-file", homeless.communicate(timeout=60)[1])
            server = started("--listen=127.0.0.1:0")
            port = next(filter(None, (re.search(r"listen=127\.0\.0\.1:(\d+)", line)
                                      for line in server.stderr)))[1]
            wrong = f"{directory}/wrong"
            with open(wrong, "w", encoding="ascii") as file:
                file.write("0123456789abcdef\n")
            os.chmod(wrong, 0o600)

            def run(*flags):
                return subprocess.run(
                    [PROCTOR, f"--host=127.0.0.1:{port}", *flags, "run", "--", "echo", "hello"],
                    capture_output=True, text=True, timeout=60)

            good = run(f"--token-file={directory}/state/token")
            self.assertEqual((good.returncode, good.stdout), (0, "hello\n"), good.stderr)
            for refused in (run(), run(f"--token-file={wrong}")):
                self.assertEqual((refused.returncode, refused.stdout), (125, ""))
                self.assertIn("wants its token", refused.stderr)
            server.terminate()
            server.stderr.read()
            self.assertEqual(server.wait(timeout=60), 0)
            server.stderr.close()

    @unittest.skipIf(os.geteuid() != 0, "only root can be several users")
    def test_members_of_the_sockets_group_may_call(self):
        owner, member, group = 65533, 65532, 65531
        with tempfile.TemporaryDirectory(prefix="proctor-cli-") as directory:
            os.chmod(directory, 0o755)
            client, program = (shutil.copy(each, directory) for each in (PROCTOR, PROCTORD))
            for each in (client, program):
                os.chmod(each, 0o755)
            home = f"{directory}/home"
            os.mkdir(home, 0o755)
            os.chown(home, owner, owner)
            server = subprocess.Popen(
                [program, f"--listen=unix:{home}/new/sock", "--state-dir=none",
                 f"--socket-group={group}"], user=owner, group=owner, extra_groups=[group],
                stderr=subprocess.PIPE, text=True)
            self.addCleanup(server.kill)
            next(line for line in server.stderr if "proctord ready" in line)
            sock, way = os.stat(f"{home}/new/sock"), os.stat(f"{home}/new")
            self.assertEqual((sock.st_mode & 0o777, sock.st_gid), (0o660, group))
            self.assertEqual((way.st_mode & 0o777, way.st_gid), (0o710, group))

            def run(*flags, groups=()):
                return subprocess.run(
                    [client, f"--host=unix:{home}/new/sock", *flags, "run", "--", "id", "-u"],
                    user=member, group=member, extra_groups=groups, capture_output=True, text=True,
                    timeout=60)

            good = run(f"--server-user={owner}", groups=[group])
            self.assertEqual((good.returncode, good.stdout), (0, f"{owner}\n"), good.stderr)
            stranger = run(f"--server-user={owner}")
            self.assertEqual(stranger.returncode, 125)
            self.assertIn("SOCKET_CLOSED_TO_US", stranger.stderr)
            unaware = run(groups=[group])
            self.assertEqual(unaware.returncode, 125)
            self.assertIn("UNTRUSTED_SERVER", unaware.stderr)
            self.assertIn("--server-user", unaware.stderr)
            server.terminate()
            server.stderr.read()
            self.assertEqual(server.wait(timeout=60), 0)
            server.stderr.close()

    def test_its_children_cannot_read_its_memory(self):
        with tempfile.TemporaryDirectory(prefix="proctor-cli-") as directory:
            # Root may read everything, so the server has another user.
            user = 65534 if os.geteuid() == 0 else None
            if user is not None:
                os.chown(directory, user, user)
            program, client = (shutil.copy(each, directory) for each in (PROCTORD, PROCTOR))
            for each in (program, client):
                os.chmod(each, 0o755)
            who = {"user": user, "group": user, "extra_groups": None if user is None else []}

            def reads(*flags):
                read, write = os.pipe()
                server = subprocess.Popen(
                    [program, f"--listen=unix:{directory}/socket", "--state-dir=none",
                     "--log-level=warning", f"--ready-fd={write}", *flags], pass_fds=[write], **who)
                self.addCleanup(server.kill)
                os.close(write)
                with os.fdopen(read) as ready:
                    self.assertEqual(ready.read(), "READY\n")
                # Reading the environment of a process needs the same right as reading its memory.
                run = subprocess.run(
                    [client, f"--host=unix:{directory}/socket", "run", "--", "sh", "-c",
                     f"head -c 1 /proc/{server.pid}/environ > {directory}/read && "
                     "head -c 1 /proc/self/environ > /dev/null; echo $?; ulimit -S -c"],
                    capture_output=True, text=True, timeout=60, **who)
                # A child may not write this before its exec: the server does it.
                scored = subprocess.run(
                    [client, f"--host=unix:{directory}/socket", "run", "-i", "--oom-score-adj=1000",
                     "--", "sh", "-c", "read line; cat /proc/self/oom_score_adj"], input="go\n",
                    capture_output=True, text=True, timeout=60, **who)
                self.assertEqual(scored.stdout, "1000\n", scored.stderr)
                server.terminate()
                self.assertEqual(server.wait(timeout=60), 0)
                code, core = run.stdout.split()
                inherited = resource.getrlimit(resource.RLIMIT_CORE)[0]
                self.assertEqual(core, "unlimited" if inherited < 0 else str(inherited // 512))
                return code == "0"

            self.assertFalse(reads())
            self.assertTrue(reads("--dumpable"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
