// Our terminal joined to that of a process: run -it and attach -it at a real pseudo-terminal.
#include "client/cli/run/interactive_terminal.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tests/client/cli/run/interactive_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using InteractiveTerminalTest = InteractiveFixture;

TEST_F(InteractiveTerminalTest, TellsTheSizeAndTheKindOfOurTerminal) {
  const auto run = OnTerminal({"run", "-it", "sh"}, 30, {"TERM=screen"});
  terminal_.Show("ready");
  EXPECT_TRUE(absl::StrContains(terminal_.first(), "rows: 30")) << terminal_.first();
  EXPECT_TRUE(absl::StrContains(terminal_.first(), "columns: 80")) << terminal_.first();
  EXPECT_TRUE(absl::StrContains(terminal_.first(), "term: \"screen\"")) << terminal_.first();
  EXPECT_FALSE(absl::StrContains(terminal_.first(), "_mode")) << terminal_.first();
}

TEST_F(InteractiveTerminalTest, CarriesKeysAndOutputUntouched) {
  const auto run = Ready({"run", "-it", "sh"});
  const std::string keys = "a\x03\x1a\x1c\x11\x13\r\n\x7f\x1b[A";
  run->Type(keys);
  terminal_.AwaitInput(keys);
  terminal_.Show("one\ntwo");
  EXPECT_TRUE(run->Shows("one\ntwo"));
  run->Type({FakeTerminal::kEnd});
  EXPECT_EQ(run->Wait(), FakeTerminal::kExitCode);
  EXPECT_TRUE(run->IsAsBefore());
  // No key was shown by our own terminal.
  EXPECT_EQ(run->shown(), "readyone\ntwo");
}

TEST_F(InteractiveTerminalTest, WhatIsTypedTooEarlyIsNotLost) {
  const auto run = OnTerminal({"run", "-it", "sh"});
  run->Type("early");
  terminal_.AwaitInput("early");
  const auto other = OnTerminal({"run", "-it", "--detach-keys", "q", "sh"});
  other->Type("q");
  EXPECT_EQ(other->Wait(), 0);
}

TEST_F(InteractiveTerminalTest, ForwardsTheSizeOfTheWindow) {
  const auto run = Ready({"run", "-it", "sh"});
  run->Resize(50, 132);
  terminal_.AwaitInput("<50x132>");
  // The size that the process was started with is not said again.
  EXPECT_EQ(terminal_.got(), "<50x132>");
}

TEST_F(InteractiveTerminalTest, RefusedStartIsToldOnAnUntouchedTerminal) {
  server_.behaviour().run = [](auto*, RunStream*) {
    return Refusal(grpc::StatusCode::NOT_FOUND, "nope", "EXECUTABLE_NOT_FOUND");
  };
  const auto run = OnTerminal({"run", "-it", "sh"});
  EXPECT_EQ(run->Wait(), 127);
  EXPECT_TRUE(run->IsAsBefore());
}

TEST_F(InteractiveTerminalTest, LostStreamGivesTheTerminalBack) {
  server_.behaviour().run = [](auto*, RunStream* stream) {
    v1::RunProcessRequest request;
    stream->Read(&request);
    Say<v1::RunProcessResponse>(stream, Started());
    Say<v1::RunProcessResponse>(stream, Stdout(0, "\x1b[?1049h\x1b[?25l"));
    stream->Read(&request);
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  const auto run = OnTerminal({"run", "-it", "sh"});
  ASSERT_TRUE(run->Shows("[?25l"));
  run->Type("x");
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("\x1b[?25h\x1b[?1049lproctor: run: lost the stream")) << run->shown();
}

TEST_F(InteractiveTerminalTest, AttachReplaysNothingAndAsksForARedraw) {
  const auto run = OnTerminal({"attach", "-it", kProcessId});
  terminal_.AwaitInput("<23x80>");
  terminal_.Show("drawn");
  terminal_.AwaitInput("<23x80><24x80>");
  EXPECT_TRUE(absl::StrContains(terminal_.first(), "tail_bytes: 0")) << terminal_.first();
  EXPECT_TRUE(run->Shows("drawn"));
  run->Type("~d");
  EXPECT_EQ(run->Wait(), 0);
}

TEST_F(InteractiveTerminalTest, RedrawDoesNotWaitForASilentProgram) {
  const auto run = OnTerminal({"attach", "-i", "--from-start", kProcessId}, /*rows=*/1);
  terminal_.AwaitInput("<2x80><1x80>");
  EXPECT_TRUE(absl::StrContains(terminal_.first(), "offsets")) << terminal_.first();
}

TEST_F(InteractiveTerminalTest, BusyStdinHintsAtForce) {
  server_.behaviour().attach = [](auto*, AttachStream* stream) {
    v1::AttachProcessRequest request;
    stream->Read(&request);
    EXPECT_FALSE(request.attach().force_stdin());
    Say<v1::AttachProcessResponse>(stream, Started());
    while (stream->Read(&request) && !request.input().has_stdin()) {
    }
    return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "busy", "STDIN_BUSY");
  };
  const auto run = OnTerminal({"attach", "-it", kProcessId});
  run->Type("x");
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_TRUE(run->Shows("busy (STDIN_BUSY); --force takes it over")) << run->shown();
}

TEST_F(InteractiveTerminalTest, ProcessWithoutATerminalLeavesOursAlone) {
  server_.behaviour().get = [](const v1::GetProcessRequest&, v1::GetProcessResponse* response) {
    *response->mutable_process() = MakeProcess();
    return grpc::Status::OK;
  };
  server_.behaviour().attach = [](auto*, AttachStream* stream) {
    Say<v1::AttachProcessResponse>(stream, Started());
    Say<v1::AttachProcessResponse>(stream, Stdout(0, "ready"));
    v1::AttachProcessRequest request;
    while (stream->Read(&request) && request.input().stdin().data() != "line\n") {
    }
    Say<v1::AttachProcessResponse>(stream, Exited(ExitCode(0)));
    Say<v1::AttachProcessResponse>(stream, Drained(5, 0));
    return grpc::Status::OK;
  };
  const auto run = OnTerminal({"attach", "-i", kProcessId});
  ASSERT_TRUE(run->Shows("ready"));
  EXPECT_TRUE(run->IsAsBefore());
  run->Type("line\r");
  EXPECT_EQ(run->Wait(), 0);
  EXPECT_EQ(OnTerminal({"attach", "-it", kProcessId})->Wait(), 125);
}

TEST_F(InteractiveTerminalTest, JsonOnTheTerminalIsRefused) {
  for (const std::vector<std::string>& place :
       {std::vector<std::string>{"--json-fd", "2"}, {"--json-file", "/dev/tty"}}) {
    const auto run = OnTerminal({"run", "-it", place[0], place[1], "sh"});
    EXPECT_EQ(run->Wait(), 125);
    EXPECT_TRUE(run->Shows("is the terminal, which shows the process alone")) << run->shown();
  }
}

}  // namespace
}  // namespace proctor::cli
