"""A Python client, with stubs made from the published contract, against proctord."""

import collections
import os
import queue
import select
import signal
import subprocess
import tempfile
import unittest

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from proctor.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc
from proctor.v1 import process_pb2, process_service_pb2, process_service_pb2_grpc

TIMEOUT = 30


class Server:
    """proctord on a private socket."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.target = f"unix:{self.directory.name}/proctord.sock"
        ready, ready_for_child = os.pipe()
        self.process = subprocess.Popen(
            [os.environ["PROCTORD"], f"--listen={self.target}", "--state-dir=none",
             f"--ready-fd={ready_for_child}"],
            pass_fds=[ready_for_child], stdin=subprocess.DEVNULL)
        os.close(ready_for_child)
        readable, _, _ = select.select([ready], [], [], TIMEOUT)
        line = os.read(ready, 64) if readable else b""
        os.close(ready)
        if line != b"READY\n":
            self.process.kill()
            raise AssertionError(f"proctord did not get ready: {line!r}, {self.process.wait()}")

    def stop(self):
        """Returns the status with which the server ends when it is told to."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.directory.cleanup()


class InteropTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.channel = grpc.insecure_channel(cls.server.target)
        cls.processes = process_service_pb2_grpc.ProcessServiceStub(cls.channel)
        cls.events = event_service_pb2_grpc.EventServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"proctord ended with {status} after SIGTERM")

    def test_run_feeds_stdin_and_delivers_both_streams_and_the_exit_code(self):
        spec = process_pb2.ProcessSpec(
            argv=["sh", "-c", "cat; echo complaint >&2; exit 3"],
            stdin_mode=process_pb2.STDIO_MODE_PIPE)
        requests = queue.SimpleQueue()
        requests.put(process_service_pb2.RunProcessRequest(
            start=process_service_pb2.RunStart(spec=spec)))
        responses = self.processes.RunProcess(iter(requests.get, None), timeout=TIMEOUT)

        messages = []
        output = collections.defaultdict(bytes)
        for response in responses:
            message = response.message
            kind = message.WhichOneof("message")
            if kind in ("heartbeat", "stdin_ack"):
                continue
            messages.append(kind)
            if kind == "started":
                self.assertEqual(message.started.process.spec.argv, spec.argv)
                for line in (b"one\n", b"two\n"):
                    requests.put(process_service_pb2.RunProcessRequest(
                        input=process_service_pb2.StreamInput(
                            stdin=process_service_pb2.StdinData(data=line))))
                requests.put(None)  # half-close is end of file
            elif kind == "output":
                stream = message.output.stream
                self.assertEqual(message.output.offset, len(output[stream]))
                output[stream] += message.output.data
            elif kind == "stream_eof":
                self.assertEqual(message.stream_eof.total_bytes,
                                 len(output[message.stream_eof.stream]))
            elif kind == "exited":
                status = message.exited.exit_status
            elif kind == "output_drained":
                drained = message.output_drained

        self.assertEqual(responses.code(), grpc.StatusCode.OK)
        self.assertEqual(messages[0], "started")
        self.assertEqual(messages[-1], "output_drained")
        self.assertEqual(messages.count("stream_eof"), 2)
        self.assertEqual(output, {process_pb2.STREAM_STDOUT: b"one\ntwo\n",
                                  process_pb2.STREAM_STDERR: b"complaint\n"})
        self.assertEqual(status.WhichOneof("status"), "exit_code")
        self.assertEqual(status.exit_code, 3)
        self.assertEqual(status.returncode, 3)
        self.assertEqual(status.cause, process_pb2.EXIT_CAUSE_SELF)
        self.assertEqual(status.source, process_pb2.STATUS_SOURCE_WAITED)
        self.assertEqual(drained.reason, process_pb2.DRAIN_REASON_EOF)
        self.assertEqual({each.stream: each.total_bytes for each in drained.output},
                         {stream: len(data) for stream, data in output.items()})

    def test_start_is_seen_by_wait_and_by_events(self):
        stream = self.events.WatchEvents(event_service_pb2.WatchEventsRequest(), timeout=TIMEOUT)
        position = next(stream).bookmark.position
        started = self.processes.StartProcess(process_service_pb2.StartProcessRequest(
            spec=process_pb2.ProcessSpec(argv=["sh", "-c", "kill -KILL $$"])), timeout=TIMEOUT)
        process_id = started.process.process_id
        ended = self.processes.WaitProcess(process_service_pb2.WaitProcessRequest(
            process_id=process_id, until=process_service_pb2.WAIT_UNTIL_DRAINED), timeout=TIMEOUT)
        self.assertEqual(ended.process.state, process_pb2.PROCESS_STATE_DRAINED)
        self.assertEqual(ended.process.exit_status.signal, signal.SIGKILL)
        self.assertEqual(ended.process.exit_status.signal_name, "SIGKILL")
        self.assertEqual(ended.process.exit_status.returncode, -signal.SIGKILL)

        seen = []
        sequence = position.sequence
        for response in stream:
            if response.WhichOneof("message") != "event":
                continue
            event = response.event
            sequence += 1
            self.assertEqual((event.log_id, event.sequence), (position.log_id, sequence))
            if event.process_id == process_id:
                seen.append(event.type)
                if event.type == event_pb2.EVENT_TYPE_PROCESS_EXITED:
                    self.assertEqual(event.process_exited.exit_status.signal, signal.SIGKILL)
                if event.type == event_pb2.EVENT_TYPE_OUTPUT_DRAINED:
                    break
        stream.cancel()
        self.assertEqual(seen, [event_pb2.EVENT_TYPE_PROCESS_STARTED,
                                event_pb2.EVENT_TYPE_PROCESS_EXITED,
                                event_pb2.EVENT_TYPE_OUTPUT_DRAINED])

    def test_an_error_names_its_reason_and_field(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.processes.StartProcess(process_service_pb2.StartProcessRequest(
                spec=process_pb2.ProcessSpec()), timeout=TIMEOUT)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        details = rpc_status.from_call(caught.exception).details
        self.assertEqual(len(details), 1)
        info = error_details_pb2.ErrorInfo()
        self.assertTrue(details[0].Unpack(info))
        self.assertEqual((info.domain, info.reason), ("proctor", "INVALID_FIELD"))
        self.assertEqual(info.metadata["field"], "spec.argv")

    def test_health_says_serving(self):
        health = health_pb2_grpc.HealthStub(self.channel)
        for service in ("", "proctor.v1.ProcessService"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT)
            self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING, service)

    def test_reflection_lists_the_services_and_describes_them(self):
        reflection = reflection_pb2_grpc.ServerReflectionStub(self.channel)
        names = ["proctor.v1.EventService", "proctor.v1.ProcessService",
                 "proctor.v1.ServerService", "proctor.v1.SessionService", "grpc.health.v1.Health"]
        requests = [reflection_pb2.ServerReflectionRequest(list_services="")]
        requests += [reflection_pb2.ServerReflectionRequest(file_containing_symbol=name)
                     for name in names]
        listed, *described = reflection.ServerReflectionInfo(iter(requests), timeout=TIMEOUT)
        services = {service.name for service in listed.list_services_response.service}
        self.assertLessEqual(set(names), services)
        for name, answer in zip(names, described, strict=True):
            self.assertTrue(answer.file_descriptor_response.file_descriptor_proto, name)


if __name__ == "__main__":
    unittest.main()
