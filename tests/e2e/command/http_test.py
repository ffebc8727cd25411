"""The HTTP side of proctord, as curl, promtool and Prometheus see it.

Needs PROCTORD and PROCTOR, the paths of the two programs. Ends with 77 (not run) where curl or
Prometheus is missing.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from server_process import PROCTOR, PROCTORD, Server

TIMEOUT = 60


class HttpServer(Server):
    """A proctord with an HTTP side. Its log gives the address and a login code."""

    def __init__(self, *flags):
        self.log = tempfile.NamedTemporaryFile(mode="r", prefix="proctor-http-")
        with open(self.log.name, "w") as stderr:
            super().__init__("--http=127.0.0.1:0", "--log-level=info", *flags, stderr=stderr)
        self.said = self.log.read()
        found = re.search(r"dashboard url=(http://([^/]+))/#code=(\S+)", self.said)
        self.url, self.address, self.code = found.groups()
        state = next((flag.partition("=")[2] for flag in flags if flag.startswith("--state-dir=")),
                     f"{self.directory}/state")
        self.token = self.read(f"{state}/http-token")
        self.metrics_token = self.read(f"{state}/metrics-token")
        self.environment = dict(os.environ, PROCTOR_HOST=self.host)

    @staticmethod
    def read(path):
        with open(path) as file:
            return file.read().strip()

    def status(self, path, method="GET", **headers):
        """The status and the headers of an answer, whatever it is."""
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def run(self, *command):
        return subprocess.run([PROCTOR, "run", "--", *command], env=self.environment,
                              capture_output=True, text=True, timeout=TIMEOUT)

    def get(self, path, **headers):
        request = urllib.request.Request(self.url + path,
                                         headers={"Authorization": f"Bearer {self.token}", **headers})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return response.read().decode()

    def follow(self, path, *flags):
        """curl -N on a stream, as a person types it."""
        return subprocess.Popen(
            ["curl", "--silent", "--no-buffer", "--max-time", str(TIMEOUT), "--header",
             f"Authorization: Bearer {self.token}", *flags, self.url + path],
            stdout=subprocess.PIPE, text=True)


def frames(stream):
    """The frames of an event stream, as dictionaries of their fields."""
    frame = {}
    for line in stream:
        line = line.rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            frame[name] = value
        elif frame:
            yield frame
            frame = {}


class HttpTest(unittest.TestCase):
    def setUp(self):
        self.server = HttpServer()

    def tearDown(self):
        self.assertEqual(self.server.end(), 0)

    def events_until(self, process, wanted):
        """Frames that curl prints, up to and with the first wanted event."""
        seen = []
        for frame in frames(process.stdout):
            seen.append(frame)
            if "event" not in frame and "data" in frame and wanted(json.loads(frame["data"])):
                process.kill()
                process.communicate()
                return seen
        self.fail(f"the stream ended after {seen}")

    def test_curl_reads_events_and_resumes(self):
        curl = self.server.follow("/v1/events?snapshot=true")
        # A process that ends before the snapshot is in it, and no event follows.
        self.assertTrue(any(frame.get("event") == "bookmark" for frame in frames(curl.stdout)))
        self.assertEqual(self.server.run("sh", "-c", "exit 3").returncode, 3)
        seen = self.events_until(curl, lambda event: event["type"] == "EVENT_TYPE_OUTPUT_DRAINED")
        events = [frame for frame in seen if "data" in frame and "event" not in frame]
        types = [json.loads(frame["data"])["type"] for frame in events]
        self.assertEqual(types[-3:], ["EVENT_TYPE_PROCESS_STARTED", "EVENT_TYPE_PROCESS_EXITED",
                                      "EVENT_TYPE_OUTPUT_DRAINED"])
        # The header that a browser sends resumes the stream.
        curl = self.server.follow("/v1/events", "--header", f"Last-Event-ID: {events[-3]['id']}")
        again = self.events_until(curl, lambda event: event["type"] == "EVENT_TYPE_OUTPUT_DRAINED")
        self.assertEqual([frame for frame in again if "event" not in frame and "id" in frame],
                         events[-2:])
        # The JSON is the one that the client prints.
        printed = subprocess.run([PROCTOR, "events", "--json"], env=self.server.environment,
                                 capture_output=True, text=True, timeout=TIMEOUT).stdout
        self.assertEqual([json.loads(line) for line in printed.splitlines()][-3:],
                         [json.loads(frame["data"]) for frame in events[-3:]])

    def test_curl_is_told_the_three_wrong_positions_apart(self):
        self.server.run("true")
        log_id = json.loads(self.server.get("/v1/server"))["last_event"]["log_id"]
        for after, name, reason in [(f"{log_id}:1000000", "future", "POSITION_IN_FUTURE"),
                                    ("another:1", "log_changed", "LOG_CHANGED")]:
            curl = self.server.follow(f"/v1/events?after={after}")
            last = list(frames(curl.stdout))[-1]
            curl.communicate()
            self.assertEqual(last["event"], name)
            self.assertEqual(json.loads(last["data"])["error"]["reason"], reason)

    def test_curl_reads_output(self):
        self.assertEqual(self.server.run("sh", "-c", "echo one; echo two >&2").returncode, 0)
        process = json.loads(self.server.get("/v1/processes"))["processes"][0]
        curl = self.server.follow(f"/v1/processes/{process['process_id']}/output")
        names = [frame.get("event") for frame in frames(curl.stdout)]
        curl.communicate()
        self.assertEqual(names.count("output"), 2)
        self.assertEqual([names[0] or names[1], names[-2], names[-1]], ["started", "drained", "end"])

    def test_the_token_and_the_ends_outlive_a_restart(self):
        self.server.run("sh", "-c", "exit 7")
        before = self.server
        self.addCleanup(shutil.rmtree, before.directory)
        before.process.send_signal(signal.SIGKILL)
        before.process.wait()
        self.server = HttpServer(f"--state-dir={before.directory}/state")
        self.assertEqual(self.server.token, before.token)
        self.assertEqual(self.server.status("/login", "POST", **{"Proctor-Code": before.code})[0], 401)
        process = json.loads(self.server.get("/v1/processes"))["processes"][0]
        self.assertEqual(process["exit_status"]["exit_code"], 7)

    def test_who_shows_no_token_gets_probes_only(self):
        for path, code in [("/healthz", 200), ("/readyz", 200), ("/", 200), ("/metrics", 401),
                           ("/v1/processes", 401), ("/v1/events", 401)]:
            self.assertEqual(self.server.status(path)[0], code, path)

    def test_the_log_has_a_code_that_holds_once_and_no_token(self):
        self.assertNotIn(self.server.token, self.server.said)
        self.assertNotIn(self.server.metrics_token, self.server.said)
        login = {"Proctor-Code": self.server.code}
        code, headers, body = self.server.status("/login", "POST", **login)
        self.assertEqual(code, 200)
        cookie = headers["Set-Cookie"].partition(";")[0]
        secrets = {"Cookie": cookie, "Proctor-Proof": json.loads(body)["proof"]}
        self.assertEqual(self.server.status("/v1/server", **secrets)[0], 200)
        self.assertEqual(self.server.status("/v1/server", Cookie=cookie)[0], 401)
        self.assertEqual(self.server.status("/login", "POST", **login)[0], 401)
        # The client makes another code.
        link = subprocess.run([PROCTOR, "dashboard"], env=self.server.environment, check=True,
                              capture_output=True, text=True, timeout=TIMEOUT).stdout.strip()
        self.assertTrue(link.startswith(f"{self.server.url}/#code="), link)
        login = {"Proctor-Code": link.partition("=")[2]}
        self.assertEqual(self.server.status("/login", "POST", **login)[0], 200)
        # The browser can end it.
        self.assertEqual(self.server.status("/logout", "POST", **secrets)[0], 200)
        self.assertEqual(self.server.status("/v1/server", **secrets)[0], 401)

    def test_the_token_for_metrics_opens_nothing_else(self):
        bearer = {"Authorization": f"Bearer {self.server.metrics_token}"}
        for path, code in [("/metrics", 200), ("/v1/server", 401), ("/v1/events", 401)]:
            self.assertEqual(self.server.status(path, **bearer)[0], code, path)

    def test_the_two_tokens_must_differ(self):
        with tempfile.TemporaryDirectory(prefix="proctor-http-") as directory:
            token = f"{directory}/token"
            with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write("abcdefghijklmnopqrstuvwxyz")
            ended = subprocess.run(
                [PROCTORD, f"--listen=unix:{directory}/socket", "--http=127.0.0.1:0",
                 "--state-dir=none", f"--http-token-file={token}",
                 f"--metrics-token-file={token}"],
                capture_output=True, text=True, timeout=TIMEOUT)
            self.assertEqual(ended.returncode, 1)
            self.assertIn("--metrics-token-file", ended.stderr)

    def post(self, path, body, **headers):
        """The status and the JSON of an answer to a call that changes something."""
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, method="POST", data=data,
                                         headers={"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def sign_in(self, code):
        """The headers of a browser that a link has signed in."""
        request = urllib.request.Request(self.server.url + "/login", method="POST",
                                         headers={"Proctor-Code": code})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            login = json.load(response)
            cookie = response.headers["Set-Cookie"].partition(";")[0]
        return {"Cookie": cookie, "Proctor-Proof": login["proof"], "Origin": self.server.url}

    def link(self, *flags):
        """The code in a link that `proctor dashboard` prints."""
        printed = subprocess.run([PROCTOR, "dashboard", *flags], env=self.server.environment,
                                 capture_output=True, text=True, timeout=TIMEOUT, check=True)
        return printed.stdout.strip().partition("#code=")[2]

    def start(self, *command):
        printed = subprocess.run([PROCTOR, "run", "-d", *command], env=self.server.environment,
                                 capture_output=True, text=True, timeout=TIMEOUT, check=True)
        return "/v1/processes/" + printed.stdout.strip()

    def test_a_browser_that_is_signed_in_acts(self):
        headers = self.sign_in(self.link())
        cat = self.start("-i", "--", "cat")
        self.assertEqual(self.post(f"{cat}:write", {"data": "aGkK", "eof": True}, **headers),
                         (200, {"stdin_bytes": "3"}))
        sleep = self.start("--", "sleep", "1000")
        status, stopped = self.post(f"{sleep}:stop", {}, **headers)
        self.assertEqual(status, 200)
        end = stopped["process"]["exit_status"]
        self.assertEqual((end["signal_name"], end["cause"]),
                         ("SIGTERM", "EXIT_CAUSE_CLIENT_SIGNAL"))
        self.assertRegex(end["requested_by"], r"^http login [0-9a-f]{8} of 127\.0\.0\.1:\d+$")
        # It can be started again.
        status, again = self.post(f"{sleep}:restart", {}, **headers)
        self.assertEqual(status, 200)
        again = "/v1/processes/" + again["process"]["process_id"]
        self.assertEqual(self.post(f"{again}:restart", {}, **headers)[1]["error"]["reason"],
                         "PROCESS_RUNNING")
        self.assertEqual(self.post(f"{again}:remove", {}, **headers)[0], 409)
        self.assertEqual(self.post(f"{again}:signal", {"signal": "KILL"}, **headers)[0], 200)
        self.assertEqual(self.post(f"{again}:remove", {"force": True}, **headers), (200, {}))
        self.assertEqual(self.post(f"{again}:stop", {}, **headers)[1]["error"]["reason"],
                         "PROCESS_NOT_FOUND")
        shell = self.start("-t", "-i", "--", "sleep", "1000")
        self.assertEqual(self.post(f"{shell}:resize", {"size": {"rows": 40, "columns": 120}},
                                   **headers), (200, {}))

    def test_who_may_only_look_cannot_act(self):
        process = self.start("--", "sleep", "1000")
        bearer = {"Authorization": f"Bearer {self.server.token}"}
        for who in (self.sign_in(self.server.code), self.sign_in(self.link("--look-only")), bearer):
            status, answer = self.post(f"{process}:stop", {}, **who)
            self.assertEqual((status, answer["error"]["reason"]), (403, "MAY_ONLY_LOOK"))
            _, _, login = self.server.status("/v1/login", **who)
            self.assertFalse(json.loads(login)["may_act"])
        metrics = {"Authorization": f"Bearer {self.server.metrics_token}"}
        self.assertEqual(self.post(f"{process}:stop", {}, **metrics)[0], 401)
        listed = json.loads(self.server.get(process))
        self.assertEqual(listed["process"]["state"], "PROCESS_STATE_RUNNING")

    def test_another_site_cannot_act_for_a_browser(self):
        headers = self.sign_in(self.link())
        process = self.start("--", "sleep", "1000")
        for change, status in [({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
                               ({"Host": "evil.example"}, 403), ({"Proctor-Proof": ""}, 401),
                               ({"Content-Type": "text/plain"}, 415)]:
            self.assertEqual(self.post(f"{process}:stop", {}, **{**headers, **change})[0], status,
                             change)
        del headers["Origin"]
        self.assertEqual(self.post(f"{process}:stop", {}, **headers)[0], 403)

    def test_who_acts_is_what_the_flag_says(self):
        self.assertEqual(self.server.end(), 0)
        self.server = HttpServer("--http-actions=token")
        bearer = {"Authorization": f"Bearer {self.server.token}"}
        process = self.start("--", "sleep", "1000")
        status, stopped = self.post(f"{process}:stop", {}, **bearer)
        self.assertEqual(status, 200)
        self.assertRegex(stopped["process"]["exit_status"]["requested_by"], "^http token of 127")
        self.assertEqual(self.server.end(), 0)
        self.server = HttpServer("--http-actions=none")
        process = self.start("--", "sleep", "1000")
        headers = self.sign_in(self.link())
        self.assertEqual(self.post(f"{process}:stop", {}, **headers)[0], 403)

    def test_promtool_has_no_complaint(self):
        self.server.run("sh", "-c", "exit 1")
        metrics = self.server.get("/metrics")
        self.assertIn("proctor_process_starts_total 1", metrics)
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics,
                                 capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_prometheus_scrapes(self):
        self.server.run("true")
        with tempfile.TemporaryDirectory(prefix="proctor-prometheus-") as directory:
            token, config = f"{directory}/token", f"{directory}/prometheus.yml"
            with open(token, "w") as file:
                file.write(self.server.metrics_token)
            with open(config, "w") as file:
                json.dump({  # JSON is YAML, too
                    "scrape_configs": [{
                        "job_name": "proctor", "scrape_interval": "1s",
                        "authorization": {"credentials_file": token},
                        "static_configs": [{"targets": [self.server.address]}]}]}, file)
            prometheus, url = self.start_prometheus(directory, config)
            try:
                self.assertEqual(self.ask(url, "proctor_process_starts_total"), "1")
                self.assertEqual(self.ask(url, 'up{job="proctor"}'), "1")
            finally:
                prometheus.terminate()
                prometheus.communicate()

    def start_prometheus(self, directory, config):
        """Prometheus on a port of the kernel's choice. Its log names the port."""
        prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data",
             "--web.listen-address=127.0.0.1:0", "--log.format=json"],
            stderr=subprocess.PIPE, text=True)
        for line in prometheus.stderr:
            entry = json.loads(line)
            if entry.get("msg") == "Listening on":
                return prometheus, f"http://{entry['address']}"
        self.fail("Prometheus did not start")

    def ask(self, url, query):
        """Polls for the value of a query: Prometheus has no way to wait for it."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            encoded = urllib.parse.urlencode({"query": query})
            try:
                with urllib.request.urlopen(f"{url}/api/v1/query?{encoded}", timeout=5) as response:
                    result = json.load(response)["data"]["result"]
                if result:
                    return result[0]["value"][1]
            except (urllib.error.URLError, ConnectionError):
                pass  # it listens before it serves
            time.sleep(0.1)
        self.fail(f"Prometheus has no {query}")


if __name__ == "__main__":
    for program in ("curl", "promtool", "prometheus"):
        if shutil.which(program) is None:
            print(f"http_test: not run, because there is no {program} here")
            sys.exit(77)
    unittest.main(verbosity=2)
