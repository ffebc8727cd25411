#!/usr/bin/env python3
"""The verbs for processes that run already, and for sessions.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import json
import signal
import unittest

from command_test_case import CommandTestCase


class VerbsTest(CommandTestCase):
    def test_detached_then_attached_by_another_client(self):
        code, out, _ = self.run_cli("run", "-d", "--", "sh", "-c", "echo early; exit 6")
        self.assertEqual(code, 0)
        process_id = out.decode().strip()
        for _ in range(2):
            code, _, _ = self.run_cli("wait", "--drained", process_id)
            self.assertEqual(code, 6)
        code, out, _ = self.run_cli("attach", process_id)
        self.assertEqual((code, out), (6, b"early\n"))
        self.assertEqual(self.run_cli("logs", process_id)[1], b"early\n")
        inspected = json.loads(self.run_cli("inspect", process_id)[1])
        self.assertEqual(inspected["exit_status"]["exit_code"], 6)
        self.assertEqual(self.run_cli("rm", process_id)[0], 0)
        self.assertEqual(self.run_cli("inspect", process_id)[0], 125)

    def test_stop_and_kill(self):
        process_id = self.run_cli("run", "-d", "--", "sleep", "1000")[1].decode().strip()
        self.assertEqual(self.run_cli("stop", process_id)[0], 0)
        self.assertEqual(self.run_cli("wait", process_id)[0], 143)
        process_id = self.run_cli("run", "-d", "--", "sleep", "1000")[1].decode().strip()
        self.assertEqual(self.run_cli("kill", "-s", "USR1", process_id)[0], 0)
        self.assertEqual(self.run_cli("wait", process_id)[0], 128 + signal.SIGUSR1)

    def test_signal_0_asks_whether_it_runs(self):
        process_id = self.run_cli(
            "run", "-d", "--", "sh", "-c", "sleep 1000 & exec sleep 1000")[1].decode().strip()
        for scope in ([], ["--group"], ["--tree"]):
            self.assertEqual(self.run_cli("kill", "-s", "0", *scope, process_id)[0], 0)
        self.assertEqual(self.run_cli("kill", "-s", "KILL", process_id)[0], 0)
        self.assertEqual(self.run_cli("wait", process_id)[0], 128 + signal.SIGKILL)
        for scope in ([], ["--group"]):
            code, _, err = self.run_cli("kill", "-s", "0", *scope, process_id)
            self.assertEqual((code, "it does not run" in err), (1, True), err)
        # Its child is left.
        self.assertEqual(self.run_cli("kill", "-s", "0", "--tree", process_id)[0], 0)
        self.assertEqual(self.run_cli("kill", "--tree", process_id)[0], 0)
        self.assertEqual(self.run_cli("wait", "--until", "tree-empty", process_id)[0],
                         128 + signal.SIGKILL)
        self.assertEqual(self.run_cli("kill", "-s", "0", "--tree", process_id)[0], 1)
        _, out, _ = self.run_cli("events", "--json", "--type", "PROCESS_SIGNALLED",
                                 "--process", process_id)
        self.assertNotIn(b'"signal":"0"', out)
        self.assertEqual(len(out.splitlines()), 2, out)

    def test_labels_in_place_of_ids(self):
        ids = [self.run_cli("run", "-d", "-l", "batch=7", "--", "sh", "-c", f"exit {code}")[1]
               .decode().strip() for code in (0, 3)]
        other = self.run_cli("run", "-d", "--", "sleep", "1000")[1].decode().strip()
        code, out, _ = self.run_cli("wait", "-l", "batch=7")
        self.assertEqual((code, sorted(out.decode().split("\n")[:-1])),
                         (0, sorted([f"{ids[0]} 0", f"{ids[1]} 3"])))
        self.assertEqual(self.run_cli("stop", "-l", "batch=8")[0], 0)
        self.assertEqual(self.run_cli("wait", "-t", "0s", other)[0], 125)
        self.assertEqual(self.run_cli("kill", "-l", "batch=7")[0], 0)
        code, out, err = self.run_cli("prune", "-f", "-l", "batch=7")
        self.assertEqual((code, out), (0, b"forgot 2 ended processes\n"), err)
        self.assertEqual(self.run_cli("ps", "-a", "-q", "-l", "batch=7")[1], b"")
        self.assertEqual(self.run_cli("rm", "-f", other)[0], 0)

    def test_ps_watch_follows_what_changes(self):
        watch = self.popen("ps", "-w", "-l", "watched=1", "--format", "{{.State}}{{.Exit}}")
        # The list shows it, or the first event does.
        process_id = self.run_cli(
            "run", "-d", "-l", "watched=1", "--", "sleep", "1000")[1].decode().strip()
        self.assertEqual(self.read_line(watch), b"running\n")
        self.assertEqual(self.run_cli("kill", process_id)[0], 0)
        self.assertEqual(self.read_line(watch), b"exitedSIGKILL\n")
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, 130)

    def test_several_at_once(self):
        ids = [self.run_cli("run", "-d", "--", "sleep", "1000")[1].decode().strip()
               for _ in range(3)]
        self.assertEqual(len(json.loads(self.run_cli("inspect", *ids)[1])), 3)
        self.assertEqual(self.run_cli("stop", *ids)[0], 0)
        code, out, _ = self.run_cli("wait", *[i[:20] for i in ids])
        self.assertEqual((code, out.decode()), (0, "".join(f"{i[:20]} 143\n" for i in ids)))
        self.assertEqual(self.run_cli("rm", *ids)[0], 0)

    def test_logs_of_a_closed_session(self):
        session = self.run_cli("session", "create")[1].decode().strip()
        script = "seq 1 10000; echo problem >&2; exit 3"
        process_id = self.run_cli("run", "-d", "--session", session, "--retain", "8192", "--",
                                  "sh", "-c", script)[1].decode().strip()
        self.assertEqual(self.run_cli("wait", "--drained", process_id)[0], 3)
        before = self.run_cli("logs", process_id)
        self.assertEqual(self.run_cli("session", "close", session)[0], 0)
        self.assertEqual(self.run_cli("logs", process_id), before)
        self.assertIn("bytes of stdout are missing here", before[2])
        self.assertEqual(self.run_cli("logs", "--tail", "2", "--stdout", process_id),
                         (0, b"9999\n10000\n", ""))
        self.assertEqual(self.run_cli("attach", process_id)[0], 3)

    def test_sessions(self):
        session = json.loads(self.run_cli("session", "create", "--json")[1])
        self.assertEqual(self.run_cli("run", "--session", session["session_id"], "--", "true")[0], 0)
        self.assertIn(session["session_id"][:12].encode(), self.run_cli("session", "ls")[1])
        self.assertEqual(
            self.run_cli("session", "set", "--watcher=safe", session["session_id"])[0], 0)
        code, _, messages = self.run_told("--session", session["session_id"], "--", "true")
        self.assertEqual(code, 0)
        self.assertEqual(messages[0]["started"]["process"]["watcher"], "safe")
        self.assertEqual(self.run_cli("session", "close", session["session_id"])[0], 0)
        self.assertEqual(self.run_cli("run", "--session", session["session_id"], "--", "true")[0], 125)

    def test_a_server_without_a_dashboard_has_no_link_to_it(self):
        code, out, err = self.run_cli("dashboard")
        self.assertEqual((code, out), (125, b""))
        self.assertIn("--http", err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
