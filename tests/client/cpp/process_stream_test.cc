#include "proctor/client/process_stream.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "proctor/client/client.h"
#include "tests/client/fake_server.h"
#include "tests/client/messages.h"

namespace proctor::client {
namespace {

using testing::Drained;
using testing::ExitCode;
using testing::Exited;
using testing::RunStream;
using testing::Started;
using testing::Stderr;
using testing::Stdout;

class ProcessStreamTest : public ::testing::Test {
 protected:
  ProcessStreamTest() : client_(*Client::Connect({server_.host(), {}})) {}

  static bool Say(RunStream* stream, const v1::StreamMessage& message) {
    return testing::Say<v1::RunProcessResponse>(stream, message);
  }

  // Reads requests until one carries `wanted`; unset if they end without.
  static std::optional<v1::StreamInput> ReadInput(RunStream* stream,
                                                  v1::StreamInput::InputCase wanted) {
    v1::RunProcessRequest request;
    while (stream->Read(&request)) {
      if (request.has_input() && request.input().input_case() == wanted) return request.input();
    }
    return std::nullopt;
  }

  v1::RunStart Start() {
    v1::RunStart start;
    start.mutable_spec()->add_argv("x");
    return start;
  }

  testing::FakeServer server_;
  std::unique_ptr<Client> client_;
};

TEST_F(ProcessStreamTest, DeliversEverythingInOrder) {
  server_.behaviour().run = [](auto*, RunStream* stream) {
    Say(stream, Started());
    Say(stream, Stdout(0, "one "));
    Say(stream, Stderr(0, "err"));
    Say(stream, Exited(ExitCode(3)));
    Say(stream, Stdout(4, "two"));
    Say(stream, Drained(7, 3));
    return grpc::Status::OK;
  };
  std::string out, err;
  StreamSinks sinks;
  sinks.on_stdout = [&](std::string_view data) { return out += data, true; };
  sinks.on_stderr = [&](std::string_view data) { return err += data, true; };
  const StreamOutcome outcome = client_->Run(Start())->Receive(sinks);
  EXPECT_EQ(out, "one two");
  EXPECT_EQ(err, "err");
  EXPECT_TRUE(outcome.complete());
  EXPECT_EQ(outcome.exit_status->exit_code(), 3);
}

TEST_F(ProcessStreamTest, EndWithoutExitedIsNoSuccess) {
  server_.behaviour().run = [](auto*, RunStream* stream) {
    Say(stream, Started());
    return grpc::Status::OK;
  };
  const StreamOutcome outcome = client_->Run(Start())->Receive({});
  EXPECT_TRUE(outcome.error.ok());
  EXPECT_FALSE(outcome.complete());
  EXPECT_FALSE(outcome.exit_status.has_value());
}

TEST_F(ProcessStreamTest, FirstExitedWins) {
  server_.behaviour().run = [](auto*, RunStream* stream) {
    Say(stream, Started());
    Say(stream, Exited(ExitCode(1)));
    Say(stream, Exited(ExitCode(0)));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  EXPECT_EQ(client_->Run(Start())->Receive({}).exit_status->exit_code(), 1);
}

TEST_F(ProcessStreamTest, HalfCloseIsEndOfFile) {
  std::string got;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say(stream, Started());
    while (auto input = ReadInput(stream, v1::StreamInput::kStdin)) got += input->stdin().data();
    Say(stream, Exited(ExitCode(0)));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  EXPECT_TRUE(stream->WriteStdin("abc"));
  EXPECT_TRUE(stream->WriteStdin("def"));
  EXPECT_TRUE(stream->CloseStdin());
  EXPECT_TRUE(stream->Receive({}).complete());
  EXPECT_EQ(got, "abcdef");
}

TEST_F(ProcessStreamTest, WriteThatIsHeldBackEndsWithTheStream) {
  absl::Notification feeding;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    // Reads no request, so that the client's writes fill up and block sooner or later.
    feeding.WaitForNotification();
    Say(stream, Started());
    Say(stream, Exited(ExitCode(0)));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  std::thread feeder([&] {
    bool more = true;
    while (more) {
      more = stream->WriteStdin(std::string(1 << 20, 'x'));
      if (!feeding.HasBeenNotified()) feeding.Notify();
    }
  });
  const StreamOutcome outcome = stream->Receive({});
  feeder.join();
  EXPECT_TRUE(outcome.complete()) << ErrorText(outcome.error);
}

TEST_F(ProcessStreamTest, SinkThatRefusesCancels) {
  absl::Notification cancelled;
  server_.behaviour().run = [&](grpc::ServerContext* context, RunStream* stream) {
    Say(stream, Started());
    Say(stream, Stdout(0, "abc"));
    const grpc::Status status = testing::UntilCancelled(context);
    cancelled.Notify();
    return status;
  };
  StreamSinks sinks;
  sinks.on_stdout = [](std::string_view) { return false; };
  const StreamOutcome outcome = client_->Run(Start())->Receive(sinks);
  EXPECT_TRUE(outcome.stopped_by_sink);
  EXPECT_FALSE(outcome.complete());
  cancelled.WaitForNotification();
}

TEST_F(ProcessStreamTest, SignalGoesThroughTheStream) {
  std::string signal;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say(stream, Started());
    signal = ReadInput(stream, v1::StreamInput::kSignal)->signal().signal();
    Say(stream, Exited(testing::KilledBy(15, "SIGTERM")));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  EXPECT_TRUE(stream->Signal("SIGTERM", v1::SIGNAL_SCOPE_GROUP).ok());
  EXPECT_TRUE(stream->Receive({}).complete());
  EXPECT_EQ(signal, "SIGTERM");
}

TEST_F(ProcessStreamTest, SignalOvertakesStdinThatNobodyReads) {
  absl::Notification signalled, started;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say(stream, Started());
    signalled.WaitForNotification();
    Say(stream, Exited(testing::KilledBy(2, "SIGINT")));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  server_.behaviour().signal = [&](const v1::SignalProcessRequest& request, auto*) {
    EXPECT_EQ(request.process_id(), testing::kProcessId);
    EXPECT_EQ(request.scope(), v1::SIGNAL_SCOPE_GROUP);
    signalled.Notify();
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  StreamSinks sinks;
  sinks.on_message = [&](const v1::StreamMessage& message) {
    if (message.has_started()) started.Notify();
    return true;
  };
  EXPECT_TRUE(stream->WriteStdin("x"));
  std::thread feeder([&] {
    while (stream->WriteStdin(std::string(1 << 20, 'x'))) {
    }
  });
  std::thread signaller([&] {
    started.WaitForNotification();
    EXPECT_TRUE(stream->Signal("SIGINT", v1::SIGNAL_SCOPE_GROUP).ok());
  });
  const StreamOutcome outcome = stream->Receive(sinks);
  feeder.join();
  signaller.join();
  EXPECT_TRUE(outcome.complete()) << ErrorText(outcome.error);
}

TEST_F(ProcessStreamTest, SignalBeforeStartedAfterEndOfStdinArrives) {
  absl::Notification closed, signalled;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    closed.WaitForNotification();
    Say(stream, Started());
    signalled.WaitForNotification();
    Say(stream, Exited(ExitCode(0)));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  server_.behaviour().signal = [&](auto&, auto*) {
    signalled.Notify();
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  stream->CloseStdin();
  EXPECT_TRUE(stream->Signal("INT", v1::SIGNAL_SCOPE_GROUP).ok());
  closed.Notify();
  EXPECT_TRUE(stream->Receive({}).complete());
}

TEST_F(ProcessStreamTest, StdinClosedByTheProcessEndsFeeding) {
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say(stream, Started());
    v1::StreamMessage closed;
    closed.mutable_stdin_closed();
    Say(stream, closed);
    while (ReadInput(stream, v1::StreamInput::kStdin)) {
    }
    Say(stream, Exited(ExitCode(0)));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  absl::Notification told;
  StreamSinks sinks;
  sinks.on_message = [&](const v1::StreamMessage& message) {
    if (message.has_stdin_closed()) told.Notify();
    return true;
  };
  std::thread feeder([&] {
    told.WaitForNotification();
    EXPECT_FALSE(stream->WriteStdin("unwanted"));
    stream->CloseStdin();
  });
  EXPECT_TRUE(stream->Receive(sinks).complete());
  feeder.join();
}

TEST_F(ProcessStreamTest, DetachGoesBehindStdinAndEndsTheStream) {
  std::string got;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say(stream, Started());
    v1::RunProcessRequest request;
    while (stream->Read(&request) && !request.input().detach()) {
      got += request.input().stdin().data();
    }
    return request.input().detach() ? grpc::Status::OK : grpc::Status::CANCELLED;
  };
  const auto stream = client_->Run(Start());
  EXPECT_TRUE(stream->WriteStdin("abc"));
  EXPECT_TRUE(stream->Detach());
  const StreamOutcome outcome = stream->Receive({});
  EXPECT_TRUE(outcome.error.ok()) << ErrorText(outcome.error);
  EXPECT_FALSE(outcome.exit_status.has_value());
  EXPECT_EQ(got, "abc");
  EXPECT_FALSE(stream->Detach());
}

TEST_F(ProcessStreamTest, DetachCannotBeAskedForAfterTheEndOfTheRequests) {
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    while (ReadInput(stream, v1::StreamInput::kStdin)) {
    }
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  EXPECT_TRUE(stream->CloseStdin());
  EXPECT_FALSE(stream->Detach());
  stream->Receive({});
}

TEST_F(ProcessStreamTest, ResizeCarriesTheSize) {
  v1::TerminalSize got;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say(stream, Started());
    got = ReadInput(stream, v1::StreamInput::kResize)->resize();
    Say(stream, Exited(ExitCode(0)));
    Say(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  const auto stream = client_->Run(Start());
  v1::TerminalSize size;
  size.set_rows(50);
  size.set_columns(132);
  stream->Resize(size);
  EXPECT_TRUE(stream->Receive({}).complete());
  EXPECT_EQ(got.rows(), 50u);
  EXPECT_EQ(got.columns(), 132u);
}

TEST_F(ProcessStreamTest, DestroyingCancels) {
  absl::Notification cancelled;
  server_.behaviour().run = [&](grpc::ServerContext* context, RunStream* stream) {
    Say(stream, Started());
    const grpc::Status status = testing::UntilCancelled(context);
    cancelled.Notify();
    return status;
  };
  client_->Run(Start()).reset();
  cancelled.WaitForNotification();
}

TEST_F(ProcessStreamTest, AttachClosesStdinByMessage) {
  bool closed = false;
  server_.behaviour().attach = [&](auto*, testing::AttachStream* stream) {
    testing::Say<v1::AttachProcessResponse>(stream, Started());
    v1::AttachProcessRequest request;
    while (!closed && stream->Read(&request)) closed = request.input().close_stdin();
    testing::Say<v1::AttachProcessResponse>(stream, Exited(ExitCode(0)));
    testing::Say<v1::AttachProcessResponse>(stream, Drained(0, 0));
    return grpc::Status::OK;
  };
  v1::AttachStart start;
  start.set_process_id(testing::kProcessId);
  start.mutable_from()->mutable_offsets();
  const auto stream = client_->Attach(start);
  EXPECT_TRUE(stream->CloseStdin());
  EXPECT_TRUE(stream->Receive({}).complete());
  EXPECT_TRUE(closed);
}

TEST_F(ProcessStreamTest, NobodyThereIsUnreachable) {
  server_.Stop();
  const StreamOutcome outcome = client_->Run(Start())->Receive({});
  EXPECT_TRUE(IsUnreachable(outcome.error)) << ErrorText(outcome.error);
}

}  // namespace
}  // namespace proctor::client
