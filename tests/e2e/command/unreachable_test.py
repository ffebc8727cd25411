#!/usr/bin/env python3
"""What the client prints when it cannot reach a server: the cause, and what helps.

Needs PROCTORD and PROCTOR, the paths of the two binaries, and openssl.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from server_process import DEV_CERTS, PROCTOR, PROCTORD

# Root may not serve plaintext.
OTHER = 65534 if os.geteuid() == 0 else None


class UnreachableTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="proctor-unreachable-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def says(self, host, flags, *texts, **variables):
        """Expects exit code 125 and at most two lines of errors, with these texts."""
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("PROCTOR_") and key != "XDG_RUNTIME_DIR"}
        result = subprocess.run([PROCTOR, *([f"--host={host}"] if host else []), *flags, "ps"],
                                env={**environment, **variables}, capture_output=True, text=True,
                                timeout=60)
        self.assertEqual((result.returncode, result.stdout), (125, ""), result.stderr)
        self.assertLessEqual(len(result.stderr.splitlines()), 2)
        for text in texts:
            self.assertIn(text, result.stderr)

    def file(self, name):
        return os.path.join(self.directory, name)

    def listener(self, answer=None, path=None):
        """Listens, and answers the first bytes with `answer`. Without one it hangs up."""
        server = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        server.bind(path or ("127.0.0.1", 0))
        server.listen(8)

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    if answer and connection.recv(1 << 16):
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()

        def end():
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            server.close()

        self.addCleanup(end)
        return f"unix:{path}" if path else f"127.0.0.1:{server.getsockname()[1]}"

    def proctord(self, *flags, **options):
        server = subprocess.Popen([*flags, "--listen=127.0.0.1:0"], stderr=subprocess.PIPE,
                                  text=True, **options)
        port = next(filter(None, (re.search(r"listen=127\.0\.0\.1:(\d+)", line)
                                  for line in server.stderr)))[1]
        drain = threading.Thread(target=server.stderr.read)
        drain.start()

        def end():
            server.terminate()
            server.wait(timeout=60)
            drain.join()
            server.stderr.close()

        self.addCleanup(end)
        return port

    def tls(self, directory, identity=True):
        flags = [f"--tls-ca={directory}/ca.crt"]
        if identity:
            flags += [f"--tls-cert={directory}/client.crt", f"--tls-key={directory}/client.key"]
        return flags

    def certificates(self, name):
        subprocess.run([DEV_CERTS, self.file(name), "client"], check=True, capture_output=True)
        return self.file(name)

    def test_a_port_that_wants_tls(self):
        good, other = self.certificates("good"), self.certificates("other")
        port = self.proctord(PROCTORD, "--state-dir=none", f"--tls-cert={good}/server.crt",
                             f"--tls-key={good}/server.key", f"--tls-client-ca={good}/ca.crt")
        host = f"127.0.0.1:{port}"
        self.says(host, [], "TLS_WANTED", "--tls-ca, --tls-cert and --tls-key")
        self.says(host, self.tls(good, identity=False), "CERTIFICATE_REFUSED",
                  "who showed no certificate", "give --tls-cert and --tls-key")
        self.says(host, [f"--tls-ca={good}/ca.crt", f"--tls-cert={other}/client.crt",
                         f"--tls-key={other}/client.key"],
                  "CERTIFICATE_REFUSED", "--tls-client-ca", f"'{other}/client.crt'")
        self.says(host, [f"--tls-ca={other}/ca.crt", *self.tls(good)[1:]],
                  "UNTRUSTED_CERTIFICATE", f"'{other}/ca.crt'", "--tls-ca names")
        self.says(host, [*self.tls(good), "--tls-server-name=else.example"],
                  "WRONG_SERVER_NAME", "'else.example'", "--tls-server-name")

    def test_a_port_that_does_not_speak_tls(self):
        certificates = self.certificates("good")
        home = self.file("home")
        os.mkdir(home)
        program = shutil.copy(PROCTORD, home)
        if OTHER is not None:
            os.chmod(self.directory, 0o755)
            os.chown(home, OTHER, OTHER)
            os.chmod(program, 0o755)
        port = self.proctord(program, "--insecure", f"--state-dir={home}/state", user=OTHER,
                             group=OTHER, extra_groups=None if OTHER is None else [])
        self.says(f"127.0.0.1:{port}", self.tls(certificates), "TLS_UNWANTED", "--token-file")
        self.says(f"127.0.0.1:{port}", [], "--token-file")

    def test_a_port_of_somebody_else(self):
        http = self.listener(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        self.says(http, [], "NOT_PROCTORD", "speaks HTTP/1", "--http")
        ssh = self.listener(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        self.says(ssh, [], "NOT_PROCTORD", "does not speak gRPC", "--listen")
        self.says(self.listener(), [], "TLS_WANTED")

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.says(f"127.0.0.1:{unused.getsockname()[1]}", [], "NO_SERVER", "--listen",
                      "--host or PROCTOR_HOST")
        self.says("no-such-host.invalid:1", [f"--tls-ca={self.certificates('good')}/ca.crt"],
                  "HOST_UNKNOWN", "--host or PROCTOR_HOST")

    def test_a_socket_without_a_server(self):
        missing = f"unix:{self.file('none.sock')}"
        self.says(missing, [], "NO_SERVER", "the socket is not there",
                  f"'proctord --listen={missing}'")
        self.says(None, [], "/proctor/proctord.sock", "NO_SERVER", "neither is given",
                  XDG_RUNTIME_DIR=self.directory)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(self.file("dead.sock"))
        host = f"unix:{self.file('dead.sock')}"
        self.says(host, [], "NO_SERVER", "nobody listens any more", f"'proctord --listen={host}'")
        self.says(None, [], "NO_SERVER", PROCTOR_HOST=host)

    def test_a_socket_of_something_else(self):
        for name, answer in ("http", b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("agent", b"\0\0\0\1\5"), (
                "silent", None):
            self.says(self.listener(answer, self.file(name)), [], "NOT_PROCTORD",
                      "does not speak gRPC", "--host or PROCTOR_HOST")
        with open(self.file("text"), "w", encoding="ascii"):
            self.says(f"unix:{self.file('text')}", [], "NOT_A_SOCKET", "--listen=unix:PATH")
        self.says(f"unix:/{'x' * 200}", [], "a path of 201 bytes", "107 at most")


if __name__ == "__main__":
    unittest.main(verbosity=2)
