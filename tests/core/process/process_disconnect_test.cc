// A process whose stream is lost: who is told, in which order, and what its input looks like.
#include <filesystem>
#include <fstream>

#include "tests/core/process/mechanism_fixture.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

class ProcessDisconnectTest : public ProcessFixture {
 protected:
  static Command Shell(const std::string& script) {
    Command command;
    command.argv = {"/bin/sh", "-c", script};
    command.stop_policy.grace = absl::Hours(1);
    return command;
  }

  static Command OnTerminal(const std::string& script) {
    Command command = Shell(script);
    command.terminal.emplace();
    return command;
  }

  static std::string Text(const Process& process) {
    std::string text;
    OutputCursor cursor = process.output().FromOldest();
    while (auto item = process.output().Next(cursor, 1 << 20)) {
      if (const auto* chunk = std::get_if<OutputChunk>(&*item)) text.append(chunk->data);
    }
    return text;
  }

  // Loses the stream once "ready" is written.
  static std::function<void(Process&)> LoseWhenReady(DisconnectPolicy policy) {
    return [policy](Process& process) {
      process.AddListener([raw = &process, policy, done = std::make_shared<bool>(false)] {
        if (*done || Text(*raw).find("ready") == std::string::npos) return;
        *done = true;
        raw->Disconnect(policy, "me");
      });
    };
  }

  std::shared_ptr<Process> RunToEmptyTree(Command command, std::function<void(Process&)> then) {
    std::shared_ptr<Process> process;
    Run([&] {
      auto started = Start(std::move(command));
      ASSERT_TRUE(started.ok()) << started.status();
      process = *started;
      then(*process);
      StopWhen(process, [](Process& p) {
        return p.state() == ProcessState::kDrained && TreeEmpty(p) && !p.stdin_pipe().open();
      });
    });
    return process;
  }

  std::string File(const std::string& name) const { return directory_.path() + "/" + name; }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  TemporaryDirectory directory_;
};

// The leader waits for its foreground, to which the kernel says nothing before that.
TEST_F(ProcessDisconnectTest, AHangUpReachesTheForegroundToo) {
  auto process = RunToEnd(
      OnTerminal(absl::StrCat("set -m; trap 'exit 7' HUP; sh -c 'trap \"echo told >", File("front"),
                              "; exit 0\" HUP; echo ready; while :; do sleep 0.1; done'")),
      LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_EQ(Read(File("front")), "told\n");
  EXPECT_EQ(process->exit_status()->wait.signal, 0) << "it outlived its foreground";
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kDisconnected);
  EXPECT_EQ(process->exit_status()->requested_by, "me");
  EXPECT_EQ(history_.front(), absl::StrCat("signal ", SIGHUP, " by me"));
  EXPECT_NE(Text(*process).find("ready"), std::string::npos);
  EXPECT_EQ(process->drained()->reason, DrainReason::kEof);
}

// A shell that is told again while it saves its history leaves its jobs behind.
TEST_F(ProcessDisconnectTest, AHangUpReachesTheLeaderOnce) {
  Command command = MakeCommand("count_hangups");
  command.terminal.emplace();
  command.stop_policy.grace = absl::Hours(1);
  auto process = RunToEnd(command, LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_EQ(process->exit_status()->wait.returncode(), 1);
}

TEST_F(ProcessDisconnectTest, AHangUpClosesTheTerminal) {
  auto process = RunToEnd(
      OnTerminal(absl::StrCat("trap '' HUP; stty -echo; echo ready; while read -r line; do :; done",
                              "; (echo lost) 2>/dev/null || echo closed >", File("seen"))),
      LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_EQ(Read(File("seen")), "closed\n");
  EXPECT_EQ(process->exit_status()->wait.returncode(), 0);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kDisconnected);
}

TEST_F(ProcessDisconnectTest, WhoeverIgnoresAHangUpIsKilledAfterTheGrace) {
  Command command = OnTerminal("trap '' HUP; echo ready; while :; do sleep 1; done");
  command.stop_policy.grace = absl::Milliseconds(50);
  auto process = RunToEnd(command, LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_EQ(process->exit_status()->wait.signal, SIGKILL);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kDisconnected);
}

TEST_F(ProcessDisconnectTest, WithoutATerminalItIsAskedByItsStopPolicyAndHeardToTheEnd) {
  Command command = Shell("trap 'echo bye; exit 4' INT; echo ready; while :; do sleep 0.1; done");
  command.stop_policy.signal = SIGINT;
  auto process = RunToEnd(command, LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_EQ(Text(*process), "ready\nbye\n");
  EXPECT_EQ(process->exit_status()->wait.returncode(), 4);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kDisconnected);
}

TEST_F(ProcessDisconnectTest, AGraceOfNoneKillsAtOnce) {
  Command command = OnTerminal("trap 'exit 7' HUP; echo ready; while :; do sleep 1; done");
  command.stop_policy.grace = absl::ZeroDuration();
  auto process = RunToEnd(command, LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_EQ(process->exit_status()->wait.signal, SIGKILL);
}

class HangUpTest : public OnEachMechanism<ProcessDisconnectTest> {};

INSTANTIATE_TEST_SUITE_P(Mechanisms, HangUpTest,
                         testing::Values(TreeMechanism::kCgroup, TreeMechanism::kWalk),
                         MechanismName);

// The shell sees to its trap once its child is gone.
TEST_P(HangUpTest, ReachesTheGroupOfTheLeader) {
  auto process = RunToEnd(OnTerminal("trap 'exit 7' HUP; sh -c 'echo ready; exec sleep 1000'"),
                          LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_EQ(process->exit_status()->wait.returncode(), 7);
}

// setsid(1), a job of a shell: as with ssh, whoever has left the group is not told. The second
// signal comes after the hang-up, whichever way the tree is found.
TEST_P(HangUpTest, LeavesOtherGroupsAlone) {
  RunToEmptyTree(
      OnTerminal(absl::StrCat("trap 'exit 7' HUP; setsid sh -c 'trap \"echo told >>",
                              File("outside"), "\" HUP; trap \"echo done >>", File("outside"),
                              "; exit\" USR1; echo ready; while :; do sleep 0.1; done' & wait")),
      [](Process& process) {
        LoseWhenReady(DisconnectPolicy::kStop)(process);
        process.AddListener([raw = &process, done = std::make_shared<bool>(false)] {
          if (*done || raw->state() == ProcessState::kRunning) return;
          *done = true;
          raw->Signal(SIGUSR1, SignalScope::kTree, "me",
                      [](const absl::Status& sent) { EXPECT_TRUE(sent.ok()) << sent; });
        });
      });
  EXPECT_EQ(Read(File("outside")), "done\n");
}

// A reader in another session and process group than the leader's, which says when it has read to
// the end.
class CutInputTest : public OnEachMechanism<ProcessDisconnectTest> {
 protected:
  Command ReaderOutside() const {
    Command command = Shell(
        absl::StrCat("exec 3<&0; setsid sh -c 'echo ready; exec >/dev/null 2>&1; cat; echo whole >",
                     File("end"), "' <&3 & wait"));
    command.stdin_mode = StdioMode::kPipe;
    return command;
  }
};

INSTANTIATE_TEST_SUITE_P(Mechanisms, CutInputTest,
                         testing::Values(TreeMechanism::kCgroup, TreeMechanism::kWalk),
                         MechanismName);

TEST_P(CutInputTest, OfAKilledProcessIsNeverTakenForWhole) {
  auto process = RunToEmptyTree(ReaderOutside(), LoseWhenReady(DisconnectPolicy::kKill));
  EXPECT_FALSE(std::filesystem::exists(File("end")));
  EXPECT_EQ(process->exit_status()->wait.signal, SIGKILL);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kDisconnected);
}

TEST_P(CutInputTest, OfAStoppedProcessIsNeverTakenForWhole) {
  Command command = ReaderOutside();
  command.stop_policy.grace = absl::Milliseconds(300);
  auto process = RunToEmptyTree(command, LoseWhenReady(DisconnectPolicy::kStop));
  EXPECT_FALSE(std::filesystem::exists(File("end")));
  EXPECT_EQ(process->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kDisconnected);
}

// What was ended is whole: whoever reads it outside of the group is left to the stop policy.
TEST_P(CutInputTest, IsNoneThatWasEnded) {
  RunToEmptyTree(ReaderOutside(), [](Process& process) {
    process.stdin_pipe().Write(nullptr, "all of it", std::nullopt, /*eof=*/true,
                               [](const absl::Status& status) { EXPECT_TRUE(status.ok()); });
    LoseWhenReady(DisconnectPolicy::kKill)(process);
  });
  EXPECT_TRUE(std::filesystem::exists(File("end")));
}

// The rest of the terminal waits for a reader who stands still, and the tree lives on: the leader's
// number is nobody's to signal by then, and nothing more is to be read.
TEST_P(CutInputTest, AHangUpAfterTheLeadersEndReachesTheTreeAndDrains) {
  // The leader ends once the trap is set.
  Command command = OnTerminal(
      absl::StrCat("mkfifo ", File("set"), "; setsid sh -c 'trap \"echo told >", File("tree"),
                   "; exit 0\" HUP; echo set >", File("set"),
                   "; while :; do sleep 0.1; done' </dev/null >/dev/null 2>&1 & read -r line <",
                   File("set"), "; head -c 6000 /dev/zero | tr '\\0' x"));
  command.stop_policy = {.grace = absl::Hours(1), .scope = SignalScope::kTree};
  command.retain_bytes = 4096;
  command.overflow = OverflowPolicy::kBlockChild;
  OutputCursor reader;
  auto process = RunToEmptyTree(command, [&](Process& p) {
    reader = p.output().FromOldest();
    p.AttachReader(&reader);
    p.AddListener([raw = &p, done = std::make_shared<bool>(false)] {
      if (*done || raw->state() != ProcessState::kExited) return;
      *done = true;
      raw->Disconnect(DisconnectPolicy::kStop, "me");
    });
  });
  process->DetachReader(&reader);
  EXPECT_EQ(process->exit_status()->wait.returncode(), 0);
  EXPECT_EQ(Read(File("tree")), "told\n");
}

}  // namespace
}  // namespace proctor
