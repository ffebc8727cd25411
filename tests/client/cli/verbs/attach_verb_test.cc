#include <signal.h>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class AttachVerbTest : public CommandFixture {
 protected:
  static bool Tell(AttachStream* stream, const v1::StreamMessage& message) {
    return Say<v1::AttachProcessResponse>(stream, message);
  }

  v1::AttachStart Received(std::vector<std::string> arguments) {
    v1::AttachStart start;
    server_.behaviour().attach = [&](auto*, AttachStream* stream) {
      v1::AttachProcessRequest request;
      stream->Read(&request);
      start = request.attach();
      Tell(stream, Started());
      Tell(stream, Exited(ExitCode(0)));
      Tell(stream, Drained(0, 0));
      return grpc::Status::OK;
    };
    arguments.insert(arguments.begin(), "attach");
    EXPECT_EQ(Run(arguments), 0) << err_;
    return start;
  }
};

TEST_F(AttachVerbTest, BeginsWhereItIsTold) {
  EXPECT_TRUE(Received({kProcessId}).from().has_offsets());
  EXPECT_TRUE(Received({"--from-start", kProcessId}).from().has_offsets());
  EXPECT_EQ(Received({kProcessId, "--tail-bytes", "4K"}).from().tail_bytes(), 4096u);
  EXPECT_EQ(Received({kProcessId, "--tail", "10"}).from().tail_lines(), 10u);
  EXPECT_TRUE(Received({"--no-replay", kProcessId}).from().has_tail_bytes());
  EXPECT_EQ(Run({"attach", "--no-replay", "--tail", "1", kProcessId}), 125);
}

TEST_F(AttachVerbTest, TakesStdinOverIfTold) {
  EXPECT_FALSE(Received({"-i", kProcessId}).force_stdin());
  EXPECT_TRUE(Received({"-i", "--force", kProcessId}).force_stdin());
  EXPECT_EQ(Run({"attach", "--force", kProcessId}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "--force goes together with -i")) << err_;
}

TEST_F(AttachVerbTest, InsistsOnATerminalIfTold) {
  EXPECT_EQ(Run({"attach", "-it", kProcessId}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "the input device is not a TTY")) << err_;
  EXPECT_EQ(Run({"attach", "-t", kProcessId}), 125);
  EXPECT_TRUE(absl::StrContains(err_, "was started without a terminal")) << err_;
}

TEST_F(AttachVerbTest, WhatATerminalShowedIsNotReplayedUnlessTold) {
  server_.behaviour().get = [](const v1::GetProcessRequest& request,
                               v1::GetProcessResponse* response) {
    *response->mutable_process() = MakeProcess(request.process_id());
    response->mutable_process()->mutable_spec()->mutable_pty();
    return grpc::Status::OK;
  };
  const v1::AttachStart start = Received({"-t", kProcessId});
  EXPECT_TRUE(start.from().has_tail_bytes());
  EXPECT_EQ(start.from().tail_bytes(), 0u);
  EXPECT_TRUE(Received({"--from-start", kProcessId}).from().has_offsets());
  EXPECT_EQ(Received({"--tail", "9", kProcessId}).from().tail_lines(), 9u);
}

TEST_F(AttachVerbTest, ExitsAsTheProcessDid) {
  server_.behaviour().attach = [](auto*, AttachStream* stream) {
    Tell(stream, Started());
    Tell(stream, Gap(v1::STREAM_STDOUT, 0, 7));
    Tell(stream, Stdout(7, "rest"));
    Tell(stream, Exited(ExitCode(9)));
    Tell(stream, Drained(11, 0));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"attach", kProcessId}), 9) << err_;
  EXPECT_EQ(out_, "rest");
  EXPECT_TRUE(absl::StrContains(err_, "7 bytes of stdout are missing")) << err_;
}

TEST_F(AttachVerbTest, InterruptDetaches) {
  absl::Notification cancelled;
  server_.behaviour().attach = [&](grpc::ServerContext* context, AttachStream* stream) {
    Tell(stream, Started());
    Tell(stream, Stdout(0, "ready"));
    const grpc::Status status = UntilCancelled(context);
    cancelled.Notify();
    return status;
  };
  const auto run = Start({"attach", kProcessId});
  ASSERT_TRUE(run->StdoutHas("ready"));
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
  EXPECT_EQ(run->err(), "proctor: attach: detached\n");
  cancelled.WaitForNotification();
}

TEST_F(AttachVerbTest, InteractiveFeedsAndClosesByMessage) {
  server_.behaviour().attach = [](auto*, AttachStream* stream) {
    Tell(stream, Started());
    v1::AttachProcessRequest request;
    uint64_t offset = 0;
    while (stream->Read(&request) && !request.input().close_stdin()) {
      Tell(stream, Stdout(offset, request.input().stdin().data()));
      offset += request.input().stdin().data().size();
    }
    Tell(stream, Exited(ExitCode(0)));
    Tell(stream, Drained(offset, 0));
    return grpc::Status::OK;
  };
  const auto run = Start({"attach", "-i", kProcessId});
  run->WriteStdin("abc");
  EXPECT_EQ(run->Wait(), 0) << run->err();
  EXPECT_EQ(run->out(), "abc");
}

}  // namespace
}  // namespace proctor::cli
