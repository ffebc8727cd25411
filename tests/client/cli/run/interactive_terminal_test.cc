// Our terminal joined to that of a process: run -it and attach -it at a real pseudo-terminal.
#include "client/cli/run/interactive_terminal.h"

#include <signal.h>

#include <memory>

#include "absl/strings/match.h"
#include "tests/client/cli/command_fixture.h"
#include "tests/client/fake_terminal.h"
#include "tests/client/terminal_run.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class InteractiveTerminalTest : public CommandFixture {
 protected:
  InteractiveTerminalTest() { Serve(/*stubborn=*/false); }

  void Serve(bool stubborn) {
    server_.behaviour().run = [terminal = served_, stubborn](grpc::ServerContext* context,
                                                             RunStream* stream) {
      return terminal->Serve(context, stream, stubborn);
    };
    server_.behaviour().attach = [terminal = served_, stubborn](grpc::ServerContext* context,
                                                                AttachStream* stream) {
      return terminal->Serve(context, stream, stubborn);
    };
    server_.behaviour().get = [](const v1::GetProcessRequest& request,
                                 v1::GetProcessResponse* response) {
      *response->mutable_process() = MakeProcess(request.process_id());
      response->mutable_process()->mutable_spec()->mutable_pty();
      return grpc::Status::OK;
    };
  }

  std::unique_ptr<TerminalRun> OnTerminal(std::vector<std::string> arguments, int rows = 24,
                                          std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), {"--host", server_.host()});
    return std::make_unique<TerminalRun>(
        CommandOptions{std::move(arguments), std::move(environment), ""}, rows, 80);
  }

  // What is shown comes after the terminal has become raw.
  std::unique_ptr<TerminalRun> Ready(const std::vector<std::string>& arguments,
                                     std::vector<std::string> environment = {}) {
    auto run = OnTerminal(arguments, 24, std::move(environment));
    terminal_.Show("ready");
    EXPECT_TRUE(run->Shows("ready")) << run->shown();
    EXPECT_TRUE(run->IsRaw());
    return run;
  }

  // The server's as well, where a stream may end after the test.
  const std::shared_ptr<FakeTerminal> served_ = std::make_shared<FakeTerminal>();
  FakeTerminal& terminal_ = *served_;
};

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

TEST_F(InteractiveTerminalTest, SignalsFromOthersArePassedOn) {
  const auto run = Ready({"run", "-it", "sh"});
  run->Signal(SIGTERM);
  terminal_.AwaitInput("<SIGTERM>");
  run->Signal(SIGHUP);
  terminal_.AwaitInput("<SIGHUP>");
  EXPECT_TRUE(run->IsRaw());
}

TEST_F(InteractiveTerminalTest, ThreeInterruptsFromOthersGiveTheTerminalBack) {
  const auto run = Ready({"run", "-it", "sh"});
  run->Signal(SIGINT);
  terminal_.AwaitInput("<SIGINT>");
  run->Signal(SIGINT);
  terminal_.AwaitInput("<SIGINT><SIGINT>");
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
  EXPECT_TRUE(run->IsAsBefore());
}

TEST_F(InteractiveTerminalTest, DeadlySignalsGiveTheTerminalBack) {
  for (const int number : {SIGUSR1, SIGALRM, SIGXCPU}) {
    const auto run = Ready({"run", "-it", "sh"});
    run->Signal(number);
    EXPECT_EQ(run->Wait(), 128 + number);
    EXPECT_TRUE(run->IsAsBefore());
    terminal_.AwaitEnd();
    EXPECT_TRUE(absl::EndsWith(terminal_.got(), "<lost>")) << terminal_.got();
  }
}

TEST_F(InteractiveTerminalTest, DetachKeysLeaveTheProcessAlone) {
  const auto run = Ready({"run", "-it", "--detach-keys", "ctrl-p,ctrl-q", "sh"});
  terminal_.Show("\x1b[?1049h\x1b[?2004h");
  ASSERT_TRUE(run->Shows("[?2004h"));
  run->Type("last\x10\x11never");
  EXPECT_EQ(run->Wait(), 0);
  EXPECT_EQ(terminal_.got(), "last<detach>");
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("\x1b[?2004l\x1b[?1049lproctor: run: detached from process "))
      << run->shown();
  EXPECT_TRUE(run->Shows("'proctor attach -it 0123456789ab'")) << run->shown();
}

TEST_F(InteractiveTerminalTest, ControlPGoesToTheProcessBeforeTheNextKey) {
  auto run = Ready({"run", "-it", "sh"});
  run->Type("\x10");
  terminal_.AwaitInput("\x10");
  run->Type("\x11~d");
  terminal_.AwaitInput("\x10\x11~d");
  run->Type({FakeTerminal::kEnd});
  EXPECT_EQ(run->Wait(), FakeTerminal::kExitCode);
}

// attach tells sizes in between, so that a whole cannot be awaited.
class HeldDetachKeyTest : public InteractiveTerminalTest,
                          public ::testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Verbs, HeldDetachKeyTest, ::testing::Values("run", "attach"),
                         [](const auto& info) { return info.param; });

TEST_P(HeldDetachKeyTest, IsSentWhenNoOtherFollows) {
  const std::string what = GetParam() == "run" ? "sh" : kProcessId;
  const auto run = Ready({GetParam(), "-it", "--detach-keys", "ctrl-p,ctrl-q", what});
  run->Type("\x10");
  terminal_.AwaitInput("\x10");
  run->Type("\x11-");
  terminal_.AwaitInput("\x11-");
  run->Type("\x10\x11");
  EXPECT_EQ(run->Wait(), 0);
  terminal_.AwaitEnd();
}

TEST_F(InteractiveTerminalTest, DetachKeysComeFromFlagAndEnvironment) {
  auto run = Ready({"run", "-it", "sh"}, {"PROCTOR_DETACH_KEYS=ctrl-a,d"});
  run->Type(
      "\x10\x11\x01"
      "d");
  EXPECT_EQ(run->Wait(), 0);
  EXPECT_EQ(terminal_.got(), "\x10\x11<detach>");
  run = Ready({"run", "-it", "--detach-keys", "q", "sh"}, {"PROCTOR_DETACH_KEYS=bad key"});
  run->Type("q");
  EXPECT_EQ(run->Wait(), 0);
  run = OnTerminal({"run", "-it", "sh"}, 24, {"PROCTOR_DETACH_KEYS=bad key"});
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_TRUE(run->Shows("$PROCTOR_DETACH_KEYS: 'bad key'")) << run->shown();
}

TEST_F(InteractiveTerminalTest, UnansweredDetachmentIsNoSuccess) {
  Serve(/*stubborn=*/true);
  const auto run = Ready({"run", "-it", "sh"});
  run->Type("~d");
  EXPECT_EQ(run->Wait(), 125);
  terminal_.AwaitInput("<detach><lost>");
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("did not answer that it lets go")) << run->shown();
  EXPECT_TRUE(run->Shows("a server that still runs hangs up its terminal")) << run->shown();
}

TEST_F(InteractiveTerminalTest, DisconnectEndsTheStreamAndTellsTheFate) {
  const auto run = Ready({"run", "-it", "--keep", "sh"});
  run->Type("ab\r");
  terminal_.AwaitInput("ab\r");
  run->Type("~.");
  EXPECT_EQ(run->Wait(), 125);
  terminal_.AwaitInput("ab\r<lost>");
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("disconnected from process ")) << run->shown();
  EXPECT_TRUE(run->Shows(": the process goes on;")) << run->shown();
}

TEST_F(InteractiveTerminalTest, DisconnectDoesNotWaitForAProcessThatDoesNotRead) {
  server_.behaviour().run = [](grpc::ServerContext* context, RunStream* stream) {
    v1::RunProcessRequest request;
    stream->Read(&request);
    Say<v1::RunProcessResponse>(stream, Started());
    Say<v1::RunProcessResponse>(stream, Stdout(0, "ready"));
    return UntilCancelled(context);
  };
  const auto run = OnTerminal({"run", "-it", "sh"});
  ASSERT_TRUE(run->Shows("ready"));
  run->Type(std::string(300'000, 'x') + "\r~.");
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_TRUE(run->Shows("disconnected from process")) << run->shown();
}

TEST_F(InteractiveTerminalTest, HelpListsTheKeys) {
  const auto run = Ready({"run", "-it", "--escape-char", "%", "sh"});
  run->Type("%?");
  EXPECT_TRUE(run->Shows("\r\n  %.   disconnect\r\n")) << run->shown();
  EXPECT_TRUE(run->Shows("\r\n  %d   detach: the process goes on\r\n")) << run->shown();
  // Still at the start of the line.
  run->Type("%.");
  EXPECT_EQ(run->Wait(), 125);
}

TEST_F(InteractiveTerminalTest, SuspendGivesTheTerminalBackForAWhile) {
  const auto run = Ready({"run", "-it", "sh"});
  terminal_.Show("\x1b[?2004h");
  ASSERT_TRUE(run->Shows("[?2004h"));
  run->Type("~\x1a");
  ASSERT_TRUE(run->WaitForStop());
  EXPECT_TRUE(run->IsAsBefore());
  EXPECT_TRUE(run->Shows("[?2004h\x1b[?2004l")) << run->shown();
  run->Resize(40, 100);
  run->Continue();
  terminal_.AwaitInput("<40x100>");
  EXPECT_TRUE(run->IsRaw());
  EXPECT_TRUE(run->Shows("[?2004l\x1b[?2004h")) << run->shown();
  run->Type({FakeTerminal::kEnd});
  EXPECT_EQ(run->Wait(), FakeTerminal::kExitCode);
  EXPECT_TRUE(run->IsAsBefore());
}

TEST_F(InteractiveTerminalTest, StopSignalSuspendsAsWell) {
  const auto run = Ready({"run", "-it", "sh"});
  terminal_.Show("\x1b[?1049h");
  ASSERT_TRUE(run->Shows("[?1049h"));
  run->Signal(SIGTSTP);
  ASSERT_TRUE(run->WaitForStop());
  EXPECT_TRUE(run->IsAsBefore());
  run->Continue();
  // What was on the alternate screen is gone; the program is asked for it.
  terminal_.AwaitInput("<23x80>");
  terminal_.Show("drawn");
  terminal_.AwaitInput("<23x80><24x80>");
}

TEST_F(InteractiveTerminalTest, StopSignalThatIsIgnoredStopsNothing) {
  TerminalRun run(
      {.arguments = WithHost({"run", "-it", "sh"}), .by_shell = "trap '' TSTP; exec \"$@\""}, 24,
      80);
  terminal_.Show("ready");
  ASSERT_TRUE(run.Shows("ready"));
  run.Signal(SIGTSTP);
  run.Type("~\x1ax");
  terminal_.AwaitInput("x");
  EXPECT_TRUE(run.IsRaw());
  run.Type({FakeTerminal::kEnd});
  // A stop would be reported before the end.
  EXPECT_EQ(run.Wait(), FakeTerminal::kExitCode);
}

TEST_F(InteractiveTerminalTest, StopThatCannotBeCaughtIsMadeGoodWhenWeGoOn) {
  const auto run = Ready({"run", "-it", "sh"});
  run->Signal(SIGSTOP);
  ASSERT_TRUE(run->WaitForStop());
  run->Resize(33, 80);
  run->Continue();
  terminal_.AwaitInput("<33x80>");
  EXPECT_TRUE(run->IsRaw());
  run->Type({FakeTerminal::kEnd});
  EXPECT_EQ(run->Wait(), FakeTerminal::kExitCode);
  EXPECT_TRUE(run->IsAsBefore());
}

TEST_F(InteractiveTerminalTest, ClosedWindowEndsTheStreamWithoutASignal) {
  const auto run = Ready({"run", "-it", "--keep", "sh"});
  run->HangUp();
  terminal_.AwaitInput("<lost>");
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_EQ(terminal_.got(), "<lost>");
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
