// Signals to a command whose terminal is joined to that of a process, and its suspension.
#include <signal.h>

#include "absl/strings/match.h"
#include "tests/client/cli/run/interactive_fixture.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

using InteractiveSignalsTest = InteractiveFixture;

TEST_F(InteractiveSignalsTest, SignalsFromOthersArePassedOn) {
  const auto run = Ready({"run", "-it", "sh"});
  run->Signal(SIGTERM);
  terminal_.AwaitInput("<SIGTERM>");
  run->Signal(SIGHUP);
  terminal_.AwaitInput("<SIGHUP>");
  EXPECT_TRUE(run->IsRaw());
}

TEST_F(InteractiveSignalsTest, ThreeInterruptsFromOthersGiveTheTerminalBack) {
  const auto run = Ready({"run", "-it", "sh"});
  run->Signal(SIGINT);
  terminal_.AwaitInput("<SIGINT>");
  run->Signal(SIGINT);
  terminal_.AwaitInput("<SIGINT><SIGINT>");
  run->Signal(SIGINT);
  EXPECT_EQ(run->Wait(), 130);
  EXPECT_TRUE(run->IsAsBefore());
}

TEST_F(InteractiveSignalsTest, DeadlySignalsGiveTheTerminalBack) {
  for (const int number : {SIGUSR1, SIGALRM, SIGXCPU}) {
    const auto run = Ready({"run", "-it", "sh"});
    run->Signal(number);
    EXPECT_EQ(run->Wait(), 128 + number);
    EXPECT_TRUE(run->IsAsBefore());
    terminal_.AwaitEnd();
    EXPECT_TRUE(absl::EndsWith(terminal_.got(), "<lost>")) << terminal_.got();
  }
}

TEST_F(InteractiveSignalsTest, SuspendGivesTheTerminalBackForAWhile) {
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

TEST_F(InteractiveSignalsTest, StopSignalSuspendsAsWell) {
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

TEST_F(InteractiveSignalsTest, StopSignalThatIsIgnoredStopsNothing) {
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

TEST_F(InteractiveSignalsTest, StopThatCannotBeCaughtIsMadeGoodWhenWeGoOn) {
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

TEST_F(InteractiveSignalsTest, ClosedWindowEndsTheStreamWithoutASignal) {
  const auto run = Ready({"run", "-it", "--keep", "sh"});
  run->HangUp();
  terminal_.AwaitInput("<lost>");
  EXPECT_EQ(run->Wait(), 125);
  EXPECT_EQ(terminal_.got(), "<lost>");
}

}  // namespace
}  // namespace proctor::cli
