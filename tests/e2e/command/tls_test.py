#!/usr/bin/env python3
"""Servers and clients that prove what they are by certificates.

Needs PROCTORD and PROCTOR, the paths of the two binaries.
"""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from server_process import DEV_CERTS, PROCTOR, PROCTORD


class TlsTest(unittest.TestCase):
    def test_mutual_tls(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([DEV_CERTS, directory, "client"], check=True, capture_output=True)
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
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([DEV_CERTS, directory, "client"], check=True, capture_output=True)
            subprocess.run([DEV_CERTS, f"{directory}/other", "client"], check=True, capture_output=True)
            server = subprocess.Popen(
                [PROCTORD, "--listen=127.0.0.1:0", "--state-dir=none",
                 f"--tls-cert={directory}/server.crt", f"--tls-key={directory}/server.key",
                 f"--tls-client-ca={directory}/ca.crt"], stderr=subprocess.PIPE, text=True)
            self.addCleanup(server.kill)

            def await_line(pattern):
                return next(filter(None, (re.search(pattern, line) for line in server.stderr)))

            port = int(await_line(r"listen=127\.0\.0\.1:(\d+)")[1])

            def handshake(identity, protocols):
                """Tries a TLS handshake by Python. Returns the port of the client."""
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
        with tempfile.TemporaryDirectory() as directory:
            old, new, used = (os.path.join(directory, name) for name in ("old", "new", "used"))
            for each in (old, new):
                subprocess.run([DEV_CERTS, each, "client"], check=True, capture_output=True)
            shutil.copytree(old, used)
            # In a session of its own, so that it does not have the test's terminal.
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
            self.assertEqual(info(old, old), 0)  # not before the signal
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
