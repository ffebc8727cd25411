#!/usr/bin/env python3
"""The real client against the real server, as a user types it.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import hashlib
import json
import os
import re
import resource
import signal
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

PROCTORD = os.environ["PROCTORD"]
PROCTOR = os.environ["PROCTOR"]
MIB = 1 << 20
# A gigabyte through the client and back takes a sanitizer's build minutes.
BIG = int(os.environ.get("PROCTOR_TEST_BIG_MIB", "256")) * MIB


class Server:
    """A proctord on a private unix socket; of `user`, who may read neither the build nor our
    directories, or of our own. `through` is a command that becomes it."""

    def __init__(self, *flags, stderr=None, user=None, through=()):
        self.directory = tempfile.mkdtemp(prefix="proctor-cli-")
        self.host = f"unix:{self.directory}/proctord.sock"
        self.who = {}
        program, self.client = PROCTORD, PROCTOR
        if user is not None:
            self.who = {"user": user, "group": user, "extra_groups": []}
            os.chown(self.directory, user, user)
            program, self.client = (shutil.copy(each, self.directory) for each in (PROCTORD, PROCTOR))
            for each in (program, self.client):
                os.chmod(each, 0o755)
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [*through, program, f"--listen={self.host}", f"--state-dir={self.directory}/state",
             "--log-level=warning", f"--ready-fd={write}", *flags],
            pass_fds=[write], stderr=stderr, **self.who)
        os.close(write)
        with os.fdopen(read) as ready:
            assert ready.read() == "READY\n", "the server did not get ready"

    def resident(self):
        """Resident bytes: now, and the most there ever were."""
        with open(f"/proc/{self.process.pid}/status") as status:
            text = status.read()
        return [int(re.search(rf"{key}:\s+(\d+) kB", text)[1]) * 1024 for key in ("VmRSS", "VmHWM")]

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        shutil.rmtree(self.directory)
        return code


class CliTest(unittest.TestCase):
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
        """run with a place for its messages: its exit code, its stdout, and them."""
        path = os.path.join(self.server.directory, "messages")
        code, out, _ = self.run_cli("run", "--json-file", path, *arguments)
        with open(path) as file:
            return code, out, [json.loads(line) for line in file]

    def test_a_server_without_a_dashboard_has_no_link_to_it(self):
        code, out, err = self.run_cli("dashboard")
        self.assertEqual((code, out), (125, b""))
        self.assertIn("--http", err)

    # The main job.

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

    # Much data.

    def test_much_input_and_output_in_little_memory(self):
        idle = self.server.resident()[0]
        zeros = hashlib.sha256(b"\0" * BIG).hexdigest()
        with subprocess.Popen(["head", "-c", str(BIG), "/dev/zero"], stdout=subprocess.PIPE) as source:
            code, out, _ = self.run_cli("run", "-i", "--", "sha256sum", stdin=source.stdout)
        self.assertEqual((code, out.decode().split()[0]), (0, zeros))

        process = self.popen("run", "--", "head", "-c", str(BIG), "/dev/zero")
        digest = hashlib.sha256()
        # The reader stands still at first: the process is held back, not remembered.
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

    # Grandchildren, detached processes, other clients.

    def test_a_grandchild_with_the_pipe_is_not_waited_for(self):
        code, out, messages = self.run_told("--", "sh", "-c", "sleep 1000 & echo $!")
        self.assertEqual(code, 0)
        drained = [m["output_drained"] for m in messages if "output_drained" in m]
        self.assertEqual(len(drained), 1)
        self.assertEqual(drained[0]["reason"], "DRAIN_REASON_GRACE_EXPIRED")
        # Told with the drain if that was known by then, and soon anyhow.
        process_id = next(m["started"]["process"] for m in messages if "started" in m)["process_id"]
        holders = drained[0].get("holders")
        while not holders:
            process = json.loads(self.run_cli("inspect", process_id)[1])
            holders = process["drained"].get("holders")
        os.kill(int(out), signal.SIGKILL)
        self.assertEqual(holders[0]["pid"], int(out))
        _, out, _ = self.run_cli("events", "--json", "--type", "OUTPUT_DRAINED")
        self.assertIn(b"DRAIN_REASON_GRACE_EXPIRED", out)

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
        # What it has started is left.
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
        # The list may have it, or the first event.
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

    # Signals and losses.

    def read_line(self, process):
        return process.stdout.readline()

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


class ServerFlagsTest(unittest.TestCase):
    """What proctord refuses to start with, and what it says."""

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

    def test_tcp_without_tls_wants_a_token(self):
        with tempfile.TemporaryDirectory(prefix="proctor-cli-") as directory:
            # Root is refused; any other user will do.
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

    def test_its_children_cannot_read_its_memory(self):
        with tempfile.TemporaryDirectory(prefix="proctor-cli-") as directory:
            # Root reads everything.
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
                # Another process's environment asks for the same right as its memory does.
                run = subprocess.run(
                    [client, f"--host=unix:{directory}/socket", "run", "--", "sh", "-c",
                     f"head -c 1 /proc/{server.pid}/environ > {directory}/read && "
                     "head -c 1 /proc/self/environ > /dev/null; echo $?; ulimit -S -c"],
                    capture_output=True, text=True, timeout=60, **who)
                # What a child may not write before its exec, the server does.
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

    def test_mutual_tls(self):
        script = os.path.join(os.path.dirname(__file__), "../../deploy/dev-certs")
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([script, directory, "client"], check=True, capture_output=True)
            server = subprocess.Popen(
                [PROCTORD, "--listen=127.0.0.1:0", "--state-dir=none",
                 f"--tls-cert={directory}/server.crt", f"--tls-key={directory}/server.key", f"--tls-client-ca={directory}/ca.crt"],
                stderr=subprocess.PIPE, text=True)
            listens = next(filter(None, (re.search(r"listen=127\.0\.0\.1:(\d+)", line)
                                         for line in server.stderr)))
            host = "localhost:" + listens[1]
            drain = threading.Thread(target=server.stderr.read)
            drain.start()
            tls = [f"--host={host}", f"--tls-ca={directory}/ca.crt"]
            identity = [f"--tls-cert={directory}/client.crt", f"--tls-key={directory}/client.key"]
            good = subprocess.run([PROCTOR, *tls, *identity, "run", "--", "echo", "secret"],
                                  capture_output=True, text=True, timeout=60)
            nobody = subprocess.run([PROCTOR, *tls, "info"], capture_output=True, timeout=60)
            server.terminate()
            self.assertEqual(server.wait(timeout=60), 0)
            drain.join()
            server.stderr.close()
            self.assertEqual((good.returncode, good.stdout), (0, "secret\n"), good.stderr)
            self.assertEqual(nobody.returncode, 125)

    def test_a_failed_handshake_is_logged_with_its_peer(self):
        script = os.path.join(os.path.dirname(__file__), "../../deploy/dev-certs")
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([script, directory, "client"], check=True, capture_output=True)
            subprocess.run([script, f"{directory}/other", "client"], check=True, capture_output=True)
            server = subprocess.Popen(
                [PROCTORD, "--listen=127.0.0.1:0", "--state-dir=none",
                 f"--tls-cert={directory}/server.crt", f"--tls-key={directory}/server.key",
                 f"--tls-client-ca={directory}/ca.crt"], stderr=subprocess.PIPE, text=True)
            self.addCleanup(server.kill)

            def await_line(pattern):
                return next(filter(None, (re.search(pattern, line) for line in server.stderr)))

            port = int(await_line(r"listen=127\.0\.0\.1:(\d+)")[1])

            def handshake(identity, protocols):
                """One of Python's; returns its port."""
                context = ssl.create_default_context(cafile=f"{directory}/ca.crt")
                if protocols:
                    context.set_alpn_protocols(protocols)
                if identity:
                    context.load_cert_chain(f"{identity}/client.crt", f"{identity}/client.key")
                with socket.create_connection(("127.0.0.1", port)) as plain:
                    mine = plain.getsockname()[1]
                    try:
                        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
                            while wrapped.recv(1000):
                                pass
                    except OSError:
                        pass
                return mine

            def plain(text):
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(text)
                    connection.shutdown(socket.SHUT_WR)
                    try:
                        while connection.recv(1000):
                            pass
                    except OSError:
                        pass
                    return connection.getsockname()[1]

            def await_failure(peer):
                line = await_line(rf" warning TLS handshake failed peer=127\.0\.0\.1:{peer} reason=(.*)")
                return line[1]

            self.assertIn("certificate", await_failure(handshake(None, ["h2"])))
            self.assertIn("the certificate: ", await_failure(handshake(f"{directory}/other", ["h2"])))
            self.assertIn("HTTP/2", await_failure(handshake(directory, None)))
            self.assertIn("nothing came", await_failure(plain(b"GET / HTTP/1.1\r\n\r\n")))
            self.assertIn("nothing came", await_failure(plain(b"")))
            good = subprocess.run(
                [PROCTOR, f"--host=localhost:{port}", f"--tls-ca={directory}/ca.crt",
                 f"--tls-cert={directory}/client.crt", f"--tls-key={directory}/client.key", "info"],
                capture_output=True, timeout=60)
            self.assertEqual(good.returncode, 0, good.stderr)
            server.terminate()
            rest = server.stderr.read()
            self.assertEqual(server.wait(timeout=60), 0)
            server.stderr.close()
            self.assertNotIn("handshake failed", rest)
            for line in rest.splitlines():
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT")

    def test_a_hang_up_has_the_tls_files_read_again(self):
        script = os.path.join(os.path.dirname(__file__), "../../deploy/dev-certs")
        with tempfile.TemporaryDirectory() as directory:
            old, new, used = (os.path.join(directory, name) for name in ("old", "new", "used"))
            for each in (old, new):
                subprocess.run([script, each, "client"], check=True, capture_output=True)
            shutil.copytree(old, used)
            # Of a session of its own, so that no terminal of the test's is its.
            server = subprocess.Popen(
                [PROCTORD, "--listen=127.0.0.1:0", "--state-dir=none", f"--tls-cert={used}/server.crt",
                 f"--tls-key={used}/server.key", f"--tls-client-ca={used}/ca.crt"],
                stderr=subprocess.PIPE, text=True, start_new_session=True)

            def await_line(pattern):
                return next(filter(None, (re.search(pattern, line) for line in server.stderr)))

            host = "localhost:" + await_line(r"listen=127\.0\.0\.1:(\d+)")[1]

            def info(authority, identity):
                return subprocess.run(
                    [PROCTOR, f"--host={host}", f"--tls-ca={authority}/ca.crt",
                     f"--tls-cert={identity}/client.crt", f"--tls-key={identity}/client.key", "info"],
                    capture_output=True, timeout=60).returncode

            self.assertEqual(info(old, old), 0)
            shutil.copytree(new, used, dirs_exist_ok=True)
            self.assertEqual(info(old, old), 0)  # not before it is told
            server.send_signal(signal.SIGHUP)
            await_line(r" reloaded tls-cert=")
            self.assertEqual(info(new, new), 0)
            self.assertNotEqual(info(old, old), 0)
            self.assertNotEqual(info(new, old), 0)
            with open(f"{used}/server.key", "w") as key:
                key.write("no key")
            server.send_signal(signal.SIGHUP)
            await_line(r" error reload: --tls-key=.*what was in force stays so")
            self.assertEqual(info(new, new), 0)
            server.terminate()
            server.stderr.read()
            self.assertEqual(server.wait(timeout=60), 0)
            server.stderr.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
