#!/usr/bin/env python3
"""The verb run: arguments, input, output and exit codes of a process.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import hashlib
import json
import os
import signal
import subprocess
import unittest

from command_test_case import CommandTestCase

MIB = 1 << 20
# The build with a sanitizer needs minutes for a gigabyte.
BIG = int(os.environ.get("PROCTOR_TEST_BIG_MIB", "256")) * MIB


class RunTest(CommandTestCase):
    def test_streams_stay_apart_and_the_code_is_the_childs(self):
        code, out, err = self.run_cli("run", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
        self.assertEqual((code, out, err), (3, b"out\n", "err\n"))

    def test_exit_codes_that_users_of_docker_know(self):
        self.assertEqual(self.run_cli("run", "--", "sh", "-c", "kill -KILL $$")[0], 137)
        self.assertEqual(self.run_cli("run", "--", "sh", "-c", "kill -TERM $$")[0], 143)
        code, _, err = self.run_cli("run", "--", "/no/such")
        self.assertEqual(code, 127)
        self.assertIn("No such file or directory", err)
        code, _, err = self.run_cli("run", "--", "/etc/passwd")
        self.assertEqual(code, 126)
        self.assertIn("Permission denied", err)
        self.assertEqual(self.run_cli("run", "--no-such-flag")[0], 125)
        self.assertEqual(self.run_cli("run")[0], 125)
        self.assertEqual(self.run_cli("--host=unix:/no/such.sock", "ps")[0], 125)

    def test_a_timeout_is_124_whatever_the_program_says(self):
        for flag in "--timeout", "--idle-timeout":
            code, _, messages = self.run_told(
                flag, "0.1", "--", "sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait")
            self.assertEqual(code, 124)
            status = next(m["exited"]["exit_status"] for m in messages if "exited" in m)
            self.assertEqual(status["exit_code"], 0)
        code, _, err = self.run_cli("run", "--timeout", "0.1", "--", "sleep", "1000")
        self.assertEqual(code, 124)
        self.assertIn("(it ended with SIGTERM)", err)
        self.assertEqual(self.run_cli("run", "--timeout", "60", "--stop-grace", "2", "--", "true")[0],
                         0)

    def test_arguments_after_the_dashes_are_the_commands(self):
        code, out, _ = self.run_cli("run", "--", "printf", "%s|", "-i", "--host=x", "--", "")
        self.assertEqual((code, out), (0, b"-i|--host=x|--||"))

    def test_stdin_is_binary_clean_and_ends_on_half_close(self):
        data = bytes(range(256)) * 4096
        code, out, _ = self.run_cli("run", "-i", "--", "cat", input=data)
        self.assertEqual(code, 0)
        self.assertEqual(hashlib.sha256(out).digest(), hashlib.sha256(data).digest())

    def test_without_i_stdin_is_empty(self):
        code, out, _ = self.run_cli("run", "--", "cat", input=b"not for it")
        self.assertEqual((code, out), (0, b""))

    def test_a_command_that_ignores_its_stdin_does_not_hang(self):
        process = self.popen("run", "-i", "--", "sh", "-c", "exit 4", stdin=subprocess.PIPE)
        self.assertEqual(process.wait(timeout=60), 4)
        for end in (process.stdin, process.stdout, process.stderr):
            end.close()

    def test_environment_directory_and_labels(self):
        code, out, _ = self.run_cli("run", "--env", "A=b c", "--cwd", "/", "--label", "k=v", "--",
                                    "sh", "-c", 'echo "$A $PWD"')
        self.assertEqual((code, out), (0, b"b c /\n"))
        _, out, _ = self.run_cli("ps", "-a", "--label", "k=v", "-q")
        self.assertEqual(len(out.splitlines()), 1)

    def test_much_input_and_output_in_little_memory(self):
        idle = self.server.resident()[0]
        zeros = hashlib.sha256(b"\0" * BIG).hexdigest()
        with subprocess.Popen(["head", "-c", str(BIG), "/dev/zero"], stdout=subprocess.PIPE) as source:
            code, out, _ = self.run_cli("run", "-i", "--", "sha256sum", stdin=source.stdout)
        self.assertEqual((code, out.decode().split()[0]), (0, zeros))

        process = self.popen("run", "--", "head", "-c", str(BIG), "/dev/zero")
        digest = hashlib.sha256()
        # The reader is stopped at first. The server holds the process back and does not buffer.
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        self.assertEqual(self.run_cli("run", "--", "true")[0], 0)
        process.send_signal(signal.SIGCONT)
        while chunk := process.stdout.read(MIB):
            digest.update(chunk)
        self.assertEqual(process.wait(timeout=60), 0)
        process.stdout.close()
        process.stderr.close()
        self.assertEqual(digest.hexdigest(), zeros)
        if os.environ.get("PROCTOR_SANITIZE"):
            print("memory is not measured: a sanitizer keeps what was freed", flush=True)
        else:
            self.assertLess(self.server.resident()[1] - idle, 100 * MIB)

    def test_a_grandchild_with_the_pipe_is_not_waited_for(self):
        code, out, messages = self.run_told("--", "sh", "-c", "sleep 1000 & echo $!")
        self.assertEqual(code, 0)
        drained = [m["output_drained"] for m in messages if "output_drained" in m]
        self.assertEqual(len(drained), 1)
        self.assertEqual(drained[0]["reason"], "DRAIN_REASON_GRACE_EXPIRED")
        # The drain names the holders if they are known by then. The server knows them soon.
        process_id = next(m["started"]["process"] for m in messages if "started" in m)["process_id"]
        holders = drained[0].get("holders")
        while not holders:
            process = json.loads(self.run_cli("inspect", process_id)[1])
            holders = process["drained"].get("holders")
        os.kill(int(out), signal.SIGKILL)
        self.assertEqual(holders[0]["pid"], int(out))
        _, out, _ = self.run_cli("events", "--json", "--type", "OUTPUT_DRAINED")
        self.assertIn(b"DRAIN_REASON_GRACE_EXPIRED", out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
