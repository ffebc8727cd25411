// A process on a terminal.
#include "proctor/error.h"
#include "tests/core/process/process_fixture.h"

namespace proctor {
namespace {

class ProcessTerminalTest : public ProcessFixture {
 protected:
  static Command Shell(const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    command.terminal.emplace();
    return command;
  }

  static std::string Shown(const Process& process) {
    std::string text;
    OutputCursor cursor = process.output().FromOldest();
    while (auto item = process.output().Next(cursor, 1 << 20)) {
      if (const auto* chunk = std::get_if<OutputChunk>(&*item)) text.append(chunk->data);
    }
    return text;
  }

  // Calls `act` once when `text` is shown.
  static void Once(Process& process, const std::string& text, std::function<void()> act) {
    process.AddListener([raw = &process, text, act, done = std::make_shared<bool>(false)] {
      if (*done || Shown(*raw).find(text) == std::string::npos) return;
      *done = true;
      act();
    });
  }

  static void Type(Process& process, const std::string& text, bool eof = false) {
    process.stdin_pipe().Write(nullptr, text, std::nullopt, eof, [](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
    });
  }
};

TEST_F(ProcessTerminalTest, ShowsAllThatIsWrittenAndEndsWithEof) {
  auto process = RunToEnd(Shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(Shown(*process), "out\r\nerr\r\n");
  EXPECT_EQ(process->exit_status()->wait.returncode(), 3);
  EXPECT_EQ(process->drained()->reason, DrainReason::kEof);
  EXPECT_TRUE(process->drained()->output[0].piped);
  EXPECT_FALSE(process->drained()->output[1].piped);
}

TEST_F(ProcessTerminalTest, EndOfInputIsItsCharacter) {
  auto process = RunToEnd(Shell("cat; echo over"), [](Process& p) { Type(p, "line\n", true); });
  EXPECT_EQ(Shown(*process), "line\r\nline\r\nover\r\n");
  EXPECT_EQ(process->Info().stdin_bytes, 5u);  // the character does not count
}

TEST_F(ProcessTerminalTest, EndOfInputAfterAnUnfinishedLine) {
  auto process = RunToEnd(Shell("stty -echo; echo ready; cat; echo over"),
                          [](Process& p) { Once(p, "ready", [&p] { Type(p, "half", true); }); });
  EXPECT_EQ(Shown(*process), "ready\r\nhalfover\r\n");
}

TEST_F(ProcessTerminalTest, TheInterruptCharacterReachesTheForeground) {
  auto process =
      RunToEnd(Shell("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 1; done"),
               [](Process& p) { Once(p, "ready", [&p] { Type(p, "\x03"); }); });
  EXPECT_EQ(process->exit_status()->wait.returncode(), 5);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kSelf);
}

TEST_F(ProcessTerminalTest, AResizeIsTold) {
  auto process = RunToEnd(
      Shell("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.1; done"),
      [](Process& p) {
        Once(p, "ready", [&p] { EXPECT_TRUE(p.Resize({.rows = 50, .columns = 132}).ok()); });
      });
  EXPECT_EQ(Shown(*process), "ready\r\n50 132\r\n");
  const absl::Status late = process->Resize({});
  EXPECT_EQ(ErrorReason(late), "PROCESS_EXITED") << late;
}

TEST_F(ProcessTerminalTest, AResizeIsChecked) {
  RunToEnd(MakeCommand("exit_with", {"0"}),
           [](Process& p) { EXPECT_EQ(ErrorReason(p.Resize({})), "NO_TERMINAL"); });
  RunToEnd(Shell("exit"), [](Process& p) {
    const absl::Status wrong = p.Resize({.rows = 0});
    EXPECT_EQ(ErrorVariables(wrong)["field"], "rows") << wrong;
    const absl::Status large = p.Resize({.width_pixels = 65536});
    EXPECT_EQ(ErrorVariables(large)["field"], "width_pixels") << large;
  });
}

// The kernel hangs up the foreground only; a background process keeps the terminal.
TEST_F(ProcessTerminalTest, NamesWhoHoldsTheTerminalAfterTheEnd) {
  pid_t holder = 0;
  auto process = RunToEnd(Shell("trap '' HUP; sleep 1000 & echo $!; echo all of it"),
                          [](Process& p) { (void)p; });
  ASSERT_EQ(process->drained()->reason, DrainReason::kGraceExpired);
  EXPECT_NE(Shown(*process).find("all of it"), std::string::npos);
  AwaitHolders(process);
  ASSERT_EQ(process->drained()->holders.size(), 1u);
  holder = process->drained()->holders[0].pid;
  EXPECT_EQ(process->drained()->holders[0].command, "sleep");
  EXPECT_EQ(Shown(*process).find(absl::StrCat(holder)), 0u);
  ::kill(holder, SIGKILL);
}

// More than a terminal's buffers hold, with the end right behind it.
TEST_F(ProcessTerminalTest, LosesNothingOfALargeOutput) {
  Command command = MakeCommand("spew", {"1000000", "0"});
  command.terminal.emplace();
  command.retain_bytes = 4 << 20;
  auto process = RunToEnd(command);
  EXPECT_EQ(process->drained()->output[0].total_bytes, 1000000u);
  EXPECT_EQ(process->drained()->reason, DrainReason::kEof);
}

}  // namespace
}  // namespace proctor
