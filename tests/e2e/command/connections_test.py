#!/usr/bin/env python3
"""Clients that hold connections and say nothing do not keep others out.

Needs PROCTORD and PROCTOR, the paths of the two programs.
"""

import contextlib
import os
import re
import resource
import socket
import ssl
import struct
import subprocess
import tempfile
import time
import unittest

from server_process import DEV_CERTS, PROCTOR, PROCTORD, Server

TIMEOUT = 60
DESCRIPTORS = 256


class TcpServer(Server):
    """A proctord that listens on TCP, too, with few descriptors if asked for."""

    def __init__(self, *flags, descriptors=None):
        self.log = tempfile.NamedTemporaryFile(mode="r", prefix="proctor-connections-")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, before[1]))
        # Without TLS the server refuses root. Any other user will do.
        user = 65534 if "--insecure" in flags and os.geteuid() == 0 else None
        try:
            with open(self.log.name, "w") as stderr:
                super().__init__("--listen=127.0.0.1:0", "--log-level=info", *flags, stderr=stderr,
                                 user=user)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        if descriptors is not None:  # the server has raised its limit to the hard one
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (descriptors, before[1]))
        text = self.log.read()
        self.port = int(re.search(r"listen=\S*127\.0\.0\.1:(\d+)", text)[1])
        http = re.search(r"dashboard url=http://127\.0\.0\.1:(\d+)/", text)
        if http:
            self.http_port = int(http[1])
            with open(f"{self.directory}/state/http-token") as file:
                self.token = file.read().strip()

    def run(self, *command):
        return subprocess.run([self.client, f"--host={self.host}", *command], capture_output=True,
                              text=True, timeout=TIMEOUT, **self.who)

    def metrics(self):
        connection = Peer(self.http_port)
        try:
            connection.ask("/metrics", self.token)
            return connection.answer()
        finally:
            connection.close()

    def refused(self, reason, listener=None):
        """The number of refused connections, from the metrics."""
        listener = listener or f"127.0.0.1:{self.port}"
        found = re.search(rf'proctor_connections_refused_total{{listener="{listener}",'
                          rf'reason="{reason}"}} (\d+)', self.metrics())
        return int(found[1]) if found else 0


class Peer:
    """A connection that does nothing by itself."""

    def __init__(self, port, source="127.0.0.1"):
        self.port = port
        self.socket = socket.socket()
        self.socket.settimeout(TIMEOUT)
        self.socket.bind((source, 0))
        try:
            self.socket.connect(("127.0.0.1", port))
        except ConnectionResetError:
            pass  # refused at once: the next calls show it

    def close(self):
        self.socket.close()

    def is_served(self):
        """Whether the server speaks first: one of HTTP/2 does, to a connection that it takes."""
        try:
            return self.socket.recv(9) != b""
        except TimeoutError:
            raise
        except OSError:  # reset, or not even connected
            return False

    def at_end(self):
        """Waits until the server has ended the connection."""
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def ask(self, path, token=None):
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
                            f"{authorization}\r\n".encode())

    def answer(self):
        """The head and the body of an answer with a Content-Length."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                return data.decode()
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"Content-Length: (\d+)", head, re.I)[1])
        while len(body) < length:
            body += self.socket.recv(65536)
        return (head + b"\r\n\r\n" + body).decode()


def frame(kind, flags, stream, payload=b""):
    """One frame of HTTP/2 (RFC 9113, 4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    """One header field, a literal that is not remembered (RFC 7541, 6.2.2)."""
    def text(data):
        if len(data) < 127:
            return bytes([len(data)]) + data
        size, rest = b"\x7f", len(data) - 127
        while rest >= 128:
            size, rest = size + bytes([rest % 128 | 128]), rest // 128
        return size + bytes([rest]) + data
    return b"\0" + text(name) + text(value)


HEADERS, RST_STREAM, SETTINGS, CONTINUATION = 1, 3, 4, 9
END_HEADERS = 4
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)
CALL = b"".join(field(*pair) for pair in [
    (b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"localhost"),
    (b":path", b"/proctor.v1.EventService/WatchEvents"), (b"te", b"trailers"),
    (b"content-type", b"application/grpc")])


class ConnectionsTest(unittest.TestCase):
    def serve(self, *flags, **options):
        self.server = TcpServer(*flags, **options)
        self.addCleanup(lambda: self.assertEqual(self.server.end(), 0))
        self.peers = []
        self.addCleanup(lambda: [peer.close() for peer in self.peers])
        return self.server

    def connect(self, port, source="127.0.0.1"):
        self.peers.append(Peer(port, source))
        return self.peers[-1]

    def make_certificates(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        subprocess.run([DEV_CERTS, directory.name, "client"], check=True, capture_output=True)
        self.certificates = directory.name
        return [f"--tls-cert={directory.name}/server.crt", f"--tls-key={directory.name}/server.key",
                f"--tls-client-ca={directory.name}/ca.crt"]

    def test_silent_connections_do_not_cut_off_the_unix_socket(self):
        server = self.serve(*self.make_certificates(), "--http=127.0.0.1:0",
                            "--max-connections-per-peer=100000", "--handshake-timeout=1h",
                            descriptors=DESCRIPTORS)
        for _ in range(2 * DESCRIPTORS):
            self.connect(server.port)
        # The server takes connections in their order: a later one meets all of these.
        run = server.run("run", "--", "echo", "served")
        self.assertEqual((run.returncode, run.stdout), (0, "served\n"), run.stderr)
        for _ in range(10):
            self.assertEqual(server.run("run", "-d", "--", "sleep", "1000").returncode, 0)
        self.assertGreater(len(os.listdir(f"/proc/{server.process.pid}/fd")), DESCRIPTORS // 2)
        # The log says it, but not once for each.
        self.assertRegex(server.log.read(), r"connection refused listener=127\.0\.0\.1:\d+ "
                                            r"reason=FEW_DESCRIPTORS peer=127\.0\.0\.1:\d+ count=1")
        # The metrics say it, too, once there is a descriptor for reading them.
        for peer in self.peers:
            peer.close()
        deadline = time.monotonic() + TIMEOUT
        while self.refusals(server) < DESCRIPTORS:
            self.assertLess(time.monotonic(), deadline)

    @staticmethod
    def refusals(server):
        try:
            return server.refused("FEW_DESCRIPTORS")
        except ConnectionError:
            return 0  # the server refused this one, too

    def test_a_peer_beyond_its_bound_is_refused_and_another_is_not(self):
        server = self.serve("--insecure", "--http=127.0.0.1:0", "--max-connections-per-peer=3")
        mine = [self.connect(server.port) for _ in range(3)]
        self.assertTrue(all(peer.is_served() for peer in mine))
        self.assertFalse(self.connect(server.port).is_served())
        self.assertTrue(self.connect(server.port, "127.0.0.2").is_served())
        self.assertEqual(server.refused("MAX_CONNECTIONS_PER_PEER"), 1)
        # The end of a connection frees its room.
        mine[0].close()
        deadline = time.monotonic() + TIMEOUT
        while not self.connect(server.port).is_served():
            self.assertLess(time.monotonic(), deadline)

    def test_a_listener_has_a_bound(self):
        server = self.serve("--insecure", "--http=127.0.0.1:0", "--max-connections=2")
        self.assertTrue(self.connect(server.port).is_served())
        self.assertTrue(self.connect(server.port, "127.0.0.2").is_served())
        self.assertFalse(self.connect(server.port, "127.0.0.3").is_served())
        self.assertEqual(server.refused("MAX_CONNECTIONS"), 1)
        self.assertIn(f'proctor_connections{{listener="127.0.0.1:{server.port}"}} 2',
                      server.metrics())
        # No other listener shares that room.
        self.assertEqual(server.run("ps").returncode, 0)

    def test_a_handshake_that_does_not_come_ends_the_connection(self):
        server = self.serve(*self.make_certificates(), "--handshake-timeout=100ms")
        self.assertTrue(self.connect(server.port).at_end())

    def test_a_handshake_that_stops_half_way_ends_the_connection(self):
        server = self.serve(*self.make_certificates(), "--handshake-timeout=100ms")
        peer = self.connect(server.port)
        hello = ssl.MemoryBIO()
        client = ssl.create_default_context(cafile=f"{self.certificates}/ca.crt").wrap_bio(
            ssl.MemoryBIO(), hello, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        peer.socket.sendall(hello.read())
        self.assertTrue(peer.at_end())

    def test_a_caller_that_never_speaks_http2_is_ended(self):
        server = self.serve("--insecure", "--handshake-timeout=100ms")
        self.assertTrue(self.connect(server.port).at_end())

    def test_probes_do_not_take_the_slots_of_http(self):
        server = self.serve("--http=127.0.0.1:0", "--max-connections=40", "--insecure",
                            "--handshake-timeout=1h")
        for _ in range(100):
            self.connect(server.http_port).ask("/healthz")  # and it stays
        for _ in range(100):
            self.connect(server.http_port)
        probe = self.connect(server.http_port)
        probe.ask("/readyz")
        self.assertIn("ready\n", probe.answer())
        self.assertGreater(server.refused("NO_TOKEN", "http"), 0)

    def test_who_has_a_token_does_not_take_the_place_of_probes(self):
        server = self.serve("--http=127.0.0.1:0", "--max-connections=8", "--insecure")
        for _ in range(6):
            viewer = self.connect(server.http_port)
            viewer.ask("/v1/server", server.token)
            self.assertIn("200 OK", viewer.answer())
        one_more = self.connect(server.http_port)
        one_more.ask("/v1/server", server.token)
        self.assertIn("TOO_MANY_CONNECTIONS", one_more.answer())
        probe = self.connect(server.http_port)
        probe.ask("/healthz")
        self.assertIn("ok\n", probe.answer())

    def test_a_block_of_headers_without_end_is_cut(self):
        server = self.serve("--insecure", "--http=127.0.0.1:0")
        peer = self.connect(server.port)
        more = frame(CONTINUATION, 0, 1, field(b"a", 16000 * b"y"))
        with contextlib.suppress(OSError):  # the server may cut it while it writes
            peer.socket.sendall(HELLO + frame(HEADERS, 0, 1, CALL))
            for _ in range(1024):
                peer.socket.sendall(more)
        self.assertTrue(peer.at_end())
        self.assertEqual(server.refused("BYTES_WITHOUT_USE"), 1)

    def test_calls_that_are_begun_and_reset_are_cut(self):
        server = self.serve("--insecure", "--http=127.0.0.1:0")
        peer = self.connect(server.port)
        with contextlib.suppress(OSError):
            peer.socket.sendall(HELLO)
            for stream in range(1, 20000, 2):
                peer.socket.sendall(frame(HEADERS, END_HEADERS, stream, CALL) +
                                    frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
        self.assertTrue(peer.at_end())
        self.assertEqual(server.refused("CALLS_WITHOUT_USE"), 1)

    def test_large_streams_are_not_cut(self):
        server = self.serve(*self.make_certificates(), "--http=127.0.0.1:0")
        tls = [f"--host=localhost:{server.port}", f"--tls-ca={self.certificates}/ca.crt",
               f"--tls-cert={self.certificates}/client.crt",
               f"--tls-key={self.certificates}/client.key"]
        size = 64 << 20
        taken = subprocess.run([PROCTOR, *tls, "run", "-i", "--", "wc", "-c"], input=bytes(size),
                               capture_output=True, timeout=TIMEOUT)
        self.assertEqual((taken.returncode, int(taken.stdout)), (0, size), taken.stderr)
        given = subprocess.run([PROCTOR, *tls, "run", "--", "head", "-c", str(size), "/dev/zero"],
                               capture_output=True, timeout=TIMEOUT)
        self.assertEqual((given.returncode, len(given.stdout)), (0, size), given.stderr)
        self.assertEqual(server.refused("BYTES_WITHOUT_USE"), 0)

    def test_info_and_help_tell_the_bounds(self):
        server = self.serve("--insecure", "--max-connections=7", "--max-connections-per-peer=5",
                            "--handshake-timeout=3s")
        self.assertIn("7 connections of a TCP listener, 5 from one address, 3s for a handshake",
                      server.run("info").stdout)
        self.assertIn("--max-connections-per-peer=N",
                      subprocess.run([PROCTORD, "--help"], capture_output=True, text=True).stdout)


if __name__ == "__main__":
    unittest.main()
