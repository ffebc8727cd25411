#include <signal.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "tests/client/cli/command_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class SignalForwarderTest : public CommandFixture {
 protected:
  // Says "ready", and names each signal that comes; SIGTERM ends it.
  static grpc::Status Trap(grpc::ServerContext*, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    uint64_t offset = 0;
    const auto print = [&](const std::string& text) {
      Say<v1::RunProcessResponse>(stream, Stdout(offset, text));
      offset += text.size();
    };
    print("ready\n");
    v1::RunProcessRequest request;
    while (stream->Read(&request)) {
      if (!request.input().has_signal()) continue;
      const v1::StreamSignal& signal = request.input().signal();
      print(signal.signal() + "/" + v1::SignalScope_Name(signal.scope()) + "\n");
      if (signal.signal() != "SIGTERM") continue;
      Say<v1::RunProcessResponse>(stream, Exited(KilledBy(SIGTERM, "SIGTERM")));
      Say<v1::RunProcessResponse>(stream, Drained(offset, 0));
      return grpc::Status::OK;
    }
    return grpc::Status::CANCELLED;
  }
};

TEST_F(SignalForwarderTest, PassesSignalsOnToTheGroup) {
  server_.behaviour().run = Trap;
  const auto run = Start({"run", "x"});
  ASSERT_TRUE(run->StdoutHas("ready"));
  run->Signal(SIGINT);
  EXPECT_TRUE(run->StdoutHas("SIGINT/SIGNAL_SCOPE_GROUP"));
  run->Signal(SIGHUP);
  EXPECT_TRUE(run->StdoutHas("SIGHUP/SIGNAL_SCOPE_GROUP"));
  run->Signal(SIGQUIT);
  EXPECT_TRUE(run->StdoutHas("SIGQUIT/SIGNAL_SCOPE_GROUP"));
  run->Signal(SIGTERM);
  EXPECT_EQ(run->Wait(), 143) << run->err();
}

TEST_F(SignalForwarderTest, WhatWasIgnoredWhenWeBeganStaysIgnored) {
  server_.behaviour().run = Trap;
  server_.behaviour().attach = [](auto*, AttachStream* stream) {
    Say<v1::AttachProcessResponse>(stream, Started());
    Say<v1::AttachProcessResponse>(stream, Stdout(0, "ready"));
    v1::AttachProcessRequest request;
    while (stream->Read(&request) && !request.input().has_signal()) {
    }
    EXPECT_EQ(request.input().signal().signal(), "SIGTERM");
    Say<v1::AttachProcessResponse>(stream, Exited(KilledBy(SIGTERM, "SIGTERM")));
    Say<v1::AttachProcessResponse>(stream, Drained(5, 0));
    return grpc::Status::OK;
  };
  server_.behaviour().get = [](auto&, v1::GetProcessResponse* response) {
    *response->mutable_process() = MakeProcess();
    return grpc::Status::OK;
  };
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"run", "x"}, {"attach", "-i", kProcessId}}) {
    CommandRun run({.arguments = WithHost(verb), .by_shell = "trap '' HUP INT QUIT; exec \"$@\""});
    ASSERT_TRUE(run.StdoutHas("ready"));
    // A descriptor of signals gives the lowest one first: none of these comes after SIGTERM.
    for (const int number : {SIGHUP, SIGINT, SIGINT, SIGINT, SIGQUIT, SIGTERM}) run.Signal(number);
    EXPECT_EQ(run.WaitWithOpenStdin(), 143) << run.err();
    EXPECT_EQ(run.out(), verb[0] == "run" ? "ready\nSIGTERM/SIGNAL_SCOPE_GROUP\n" : "ready");
  }
}

TEST_F(SignalForwarderTest, ThirdInterruptGivesUp) {
  absl::Notification cancelled;
  server_.behaviour().run = [&](grpc::ServerContext* context, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    uint64_t offset = 0;
    v1::RunProcessRequest request;
    for (int i = 0; i < 3; ++i) {
      const std::string text = "ready" + std::to_string(i);
      Say<v1::RunProcessResponse>(stream, Stdout(offset, text));
      offset += text.size();
      while (stream->Read(&request) && !request.input().has_signal()) {
      }
    }
    const grpc::Status status = UntilCancelled(context);
    cancelled.Notify();
    return status;
  };
  const auto run = Start({"run", "x"});
  // Each answer shows that the one before was taken; signals of one kind do not queue.
  for (const char* ready : {"ready0", "ready1", "ready2"}) {
    ASSERT_TRUE(run->StdoutHas(ready));
    run->Signal(SIGINT);
  }
  EXPECT_EQ(run->Wait(), 130);
  EXPECT_TRUE(absl::StrContains(run->err(), "given up after three interrupts")) << run->err();
  cancelled.WaitForNotification();
}

TEST_F(SignalForwarderTest, InterruptReachesAProcessThatDoesNotReadItsStdin) {
  absl::Notification signalled;
  server_.behaviour().run = [&](auto*, RunStream* stream) {
    Say<v1::RunProcessResponse>(stream, Started());
    // Reads the start and one chunk, and no more.
    v1::RunProcessRequest request;
    stream->Read(&request);
    stream->Read(&request);
    Say<v1::RunProcessResponse>(stream, Stdout(0, "ready"));
    signalled.WaitForNotification();
    Say<v1::RunProcessResponse>(stream, Exited(KilledBy(SIGINT, "SIGINT")));
    Say<v1::RunProcessResponse>(stream, Drained(5, 0));
    return grpc::Status::OK;
  };
  server_.behaviour().signal = [&](const v1::SignalProcessRequest& request, auto*) {
    EXPECT_EQ(request.signal(), "SIGINT");
    signalled.Notify();
    return grpc::Status::OK;
  };
  const auto run = Start({"run", "-i", "x"});
  std::thread feeder([&] { run->WriteStdin(std::string(16'000'000, 'x')); });
  EXPECT_TRUE(run->StdoutHas("ready"));
  run->Signal(SIGINT);
  EXPECT_EQ(run->WaitWithOpenStdin(), 130) << run->err();
  feeder.join();
}

}  // namespace
}  // namespace proctor::cli
