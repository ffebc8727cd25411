// Streams and waits that go on over a lost server.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "proctor/client/client.h"
#include "proctor/error.h"
#include "tests/client/fake_server.h"
#include "tests/client/messages.h"

namespace proctor::client {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

const grpc::Status kGone(grpc::StatusCode::UNAVAILABLE, "gone");

class ResumptionTest : public ::testing::Test {
 protected:
  ResumptionTest() : client_(*Client::Connect({server_.host(), {}})) {}

  static bool Tell(AttachStream* stream, const v1::StreamMessage& message) {
    return Say<v1::AttachProcessResponse>(stream, message);
  }
  static bool Tell(OutputStream* stream, const v1::StreamMessage& message) {
    return Say<v1::ReadOutputResponse>(stream, message);
  }
  static v1::AttachStart FirstOf(AttachStream* stream) {
    v1::AttachProcessRequest request;
    stream->Read(&request);
    return request.attach();
  }
  static v1::StreamMessage StartedAt(uint64_t stdin_bytes, uint64_t stdout_bytes = 0,
                                     uint64_t stderr_bytes = 0) {
    v1::StreamMessage message = Started();
    v1::Process* process = message.mutable_started()->mutable_process();
    process->set_stdin_bytes(stdin_bytes);
    for (const auto& [stream, bytes] :
         {std::pair(v1::STREAM_STDOUT, stdout_bytes), std::pair(v1::STREAM_STDERR, stderr_bytes)}) {
      v1::StreamTotals* totals = process->add_output();
      totals->set_stream(stream);
      totals->set_total_bytes(bytes);
    }
    return message;
  }
  static v1::StreamMessage Ack(uint64_t offset) {
    v1::StreamMessage message;
    message.mutable_stdin_ack()->set_offset(offset);
    return message;
  }

  // Attaches, and notes what comes.
  StreamOutcome Attach(const v1::AttachStart& start = {}) {
    StreamSinks sinks;
    sinks.on_stdout = [this](std::string_view data) { return out_ += data, true; };
    sinks.on_message = [this](const v1::StreamMessage& message) {
      kinds_.push_back(message.message_case());
      return true;
    };
    return client_->Attach(start, policy_)->Receive(sinks);
  }

  FakeServer server_;
  std::unique_ptr<Client> client_;
  ReconnectPolicy policy_{absl::Minutes(1), nullptr};
  std::string out_;
  std::vector<v1::StreamMessage::MessageCase> kinds_;
};

TEST_F(ResumptionTest, GoesOnWithTheNextByteAndTellsNothingTwice) {
  std::atomic<int> calls{0};
  server_.behaviour().attach = [&](auto*, AttachStream* stream) {
    const v1::AttachStart start = FirstOf(stream);
    Tell(stream, Started());
    if (++calls == 1) {
      Tell(stream, Stdout(0, "abc"));
      v1::StreamMessage eof;
      eof.mutable_stream_eof()->set_stream(v1::STREAM_STDERR);
      Tell(stream, eof);
      Tell(stream, Exited(ExitCode(7)));
      return kGone;
    }
    EXPECT_EQ(start.from().offsets().stdout_offset(), 3u);
    v1::StreamMessage eof;
    eof.mutable_stream_eof()->set_stream(v1::STREAM_STDERR);
    Tell(stream, eof);
    Tell(stream, Exited(ExitCode(7)));
    Tell(stream, Stdout(3, "def"));
    Tell(stream, Drained(6, 0));
    return grpc::Status::OK;
  };
  const StreamOutcome outcome = Attach();
  EXPECT_TRUE(outcome.complete()) << ErrorText(outcome.error);
  EXPECT_EQ(out_, "abcdef");
  using Message = v1::StreamMessage;
  EXPECT_EQ(kinds_, (std::vector<Message::MessageCase>{Message::kStarted, Message::kOutput,
                                                       Message::kStreamEof, Message::kExited,
                                                       Message::kOutput, Message::kOutputDrained}));
}

TEST_F(ResumptionTest, AStreamOfWhichNothingCameBeginsWhereTheTailDid) {
  std::atomic<int> calls{0};
  v1::OutputPosition again;
  server_.behaviour().attach = [&](auto*, AttachStream* stream) {
    const v1::AttachStart start = FirstOf(stream);
    if (++calls == 1) {
      Tell(stream, StartedAt(0, 100, 50));
      Tell(stream, Stdout(100, "new"));
      return kGone;
    }
    again = start.from();
    Tell(stream, StartedAt(0, 103, 60));
    Tell(stream, Drained(103, 60));
    return grpc::Status::OK;
  };
  v1::AttachStart start;
  start.mutable_from()->set_tail_bytes(20);
  Attach(start);
  EXPECT_EQ(again.offsets().stdout_offset(), 103u);
  EXPECT_EQ(again.offsets().stderr_offset(), 30u);
}

TEST_F(ResumptionTest, SendsAgainWhatStdinWasNotAcknowledged) {
  std::atomic<int> calls{0};
  std::string taken;
  absl::Notification written;
  server_.behaviour().attach = [&](auto*, AttachStream* stream) {
    const v1::AttachStart start = FirstOf(stream);
    v1::AttachProcessRequest request;
    if (++calls == 1) {
      EXPECT_FALSE(start.force_stdin());
      Tell(stream, StartedAt(1000));
      for (size_t size = 0; size < 6 && stream->Read(&request);) {
        size += request.input().stdin().data().size();
      }
      taken = "abcd";  // the pipe took so much
      Tell(stream, Ack(1002));
      written.WaitForNotification();
      return kGone;
    }
    EXPECT_TRUE(start.force_stdin());
    Tell(stream, StartedAt(1004));
    uint64_t next = 1004;
    while (stream->Read(&request) && !request.input().close_stdin()) {
      const v1::StdinData& data = request.input().stdin();
      if (data.has_offset()) {
        EXPECT_EQ(data.offset(), next);
      }
      taken += data.data();
      next += data.data().size();
    }
    Tell(stream, Exited(ExitCode(0)));
    Tell(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto stream = client_->Attach({}, policy_);
  std::thread feeder([&] {
    EXPECT_TRUE(stream->WriteStdin("abc"));
    EXPECT_TRUE(stream->WriteStdin("def"));
    written.Notify();
    while (calls < 2) std::this_thread::yield();
    EXPECT_TRUE(stream->WriteStdin("ghi"));
    EXPECT_TRUE(stream->CloseStdin());
  });
  const StreamOutcome outcome = stream->Receive({});
  feeder.join();
  EXPECT_TRUE(outcome.complete()) << ErrorText(outcome.error);
  EXPECT_EQ(taken, "abcdefghi");
}

TEST_F(ResumptionTest, CancelEndsTheWaitForTheServer) {
  absl::Notification lost;
  server_.behaviour().attach = [&](auto*, AttachStream* stream) {
    Tell(stream, Started());
    return kGone;
  };
  policy_ = {absl::InfiniteDuration(), [&](const absl::Status&) {
               if (!lost.HasBeenNotified()) lost.Notify();
             }};
  const auto stream = client_->Attach({}, policy_);
  std::thread canceller([&] {
    lost.WaitForNotification();
    stream->Cancel();
  });
  const StreamOutcome outcome = stream->Receive({});
  canceller.join();
  EXPECT_FALSE(outcome.error.ok());
}

TEST_F(ResumptionTest, AnUnreachableServerIsNotWaitedFor) {
  server_.Stop();
  EXPECT_TRUE(IsUnreachable(Attach().error));
}

TEST_F(ResumptionTest, TellsHowAProcessEndedWhoseOutputIsGone) {
  std::atomic<int> calls{0};
  server_.behaviour().read = [&](auto&, OutputStream* stream) {
    if (++calls > 1) {
      return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "its output is gone", "SESSION_CLOSED");
    }
    Tell(stream, Started());
    return kGone;
  };
  server_.behaviour().get = [](auto&, v1::GetProcessResponse* response) {
    *response->mutable_process()->mutable_exit_status() = UnknownEnd("SERVER_LOST");
    return grpc::Status::OK;
  };
  const StreamOutcome outcome = client_->ReadOutput({}, policy_)->Receive({});
  EXPECT_EQ(ErrorReason(outcome.error), "SESSION_CLOSED");
  EXPECT_EQ(outcome.exit_status->unknown().reason(), "SERVER_LOST");
}

TEST_F(ResumptionTest, AWaitGoesOnOverTheServersRestart) {
  std::atomic<int> calls{0};
  server_.behaviour().wait = [&](const v1::WaitProcessRequest& request,
                                 v1::WaitProcessResponse* response) {
    EXPECT_LE(request.timeout().seconds(), 3600);
    EXPECT_GT(request.timeout().seconds(), 3500);
    if (++calls == 1) return kGone;
    *response->mutable_process()->mutable_exit_status() = ExitCode(4);
    return grpc::Status::OK;
  };
  Reconnector reconnector(policy_);
  v1::WaitProcessRequest request;
  request.mutable_timeout()->set_seconds(3600);
  const auto response = client_->WaitProcessOverLosses(request, &reconnector);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->process().exit_status().exit_code(), 4);
}

}  // namespace
}  // namespace proctor::client
