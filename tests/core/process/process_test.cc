#include "core/process/process.h"

#include <signal.h>

#include "absl/strings/str_replace.h"
#include "proctor/error.h"
#include "tests/core/process/process_fixture.h"

namespace proctor {
namespace {

class ProcessTest : public ProcessFixture {
 protected:
  bool stopped_ = false;
};

TEST_F(ProcessTest, TellsTheExitAndThenTheDrain) {
  auto process = RunToEnd(MakeCommand("exit_with", {"3"}));
  ASSERT_TRUE(process->exit_status().has_value());
  EXPECT_EQ(process->exit_status()->wait.returncode(), 3);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kSelf);
  EXPECT_EQ(process->drained()->reason, DrainReason::kEof);
  EXPECT_EQ(history_, (std::vector<std::string>{"exited", "drained"}));
  EXPECT_GE(process->exit_status()->exited_at, process->exit_status()->started_at);
}

// conformance 105
TEST_F(ProcessTest, OutputWrittenJustBeforeTheEndIsThereBeforeItsEndOfFile) {
  Command command = MakeCommand("spew", {"262144", "1000"});
  auto process = RunToEnd(command);
  const ProcessInfo info = process->Info();
  EXPECT_EQ(info.output[0].total_bytes, 262144u);
  EXPECT_EQ(info.output[0].dropped_bytes, 0u);
  EXPECT_EQ(info.output[1].total_bytes, 1000u);
  OutputCursor cursor = process->output().FromOldest();
  uint64_t seen = 0;
  bool eof = false;
  while (auto item = process->output().Next(cursor, 1 << 20)) {
    if (const auto* chunk = std::get_if<OutputChunk>(&*item)) {
      if (chunk->stream != OutputStream::kStdout) continue;
      EXPECT_FALSE(eof);
      seen += chunk->data.size();
    } else if (const auto* end = std::get_if<OutputEof>(&*item)) {
      if (end->stream == OutputStream::kStdout) eof = true;
    }
  }
  EXPECT_EQ(seen, 262144u);
  EXPECT_TRUE(eof);
}

// conformance 107
TEST_F(ProcessTest, AGrandchildThatHoldsThePipeDelaysNeitherExitNorDrain) {
  auto process = RunToEnd(MakeCommand("hold_pipe"));
  EXPECT_EQ(process->exit_status()->wait.returncode(), 0);
  ASSERT_EQ(process->drained()->reason, DrainReason::kGraceExpired);
  AwaitHolders(process);
  ASSERT_EQ(process->drained()->holders.size(), 1u);
  EXPECT_EQ(process->drained()->holders[0].command, "hold_pipe");
  EXPECT_FALSE(process->drained()->output[0].eof);
  EXPECT_GT(process->drained()->output[0].total_bytes, 0u);  // the grandchild's pid
  ::kill(process->drained()->holders[0].pid, SIGKILL);
}

TEST_F(ProcessTest, FeedsStdinAndClosesIt) {
  Command command = MakeCommand("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  std::string input(300000, 'x');
  std::vector<absl::Status> answers;
  auto process = RunToEnd(command, [&](Process& p) {
    p.stdin_pipe().Write(nullptr, input, std::nullopt, true,
                         [&](absl::Status status) { answers.push_back(status); });
    // One write at a time.
    p.stdin_pipe().Write(nullptr, "y", std::nullopt, false,
                         [&](absl::Status status) { answers.push_back(status); });
  });
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(ErrorReason(answers[0]), "STDIN_BUSY");
  EXPECT_TRUE(answers[1].ok());
  EXPECT_EQ(process->Info().output[0].total_bytes, input.size());
  EXPECT_EQ(process->Info().stdin_bytes, input.size());
}

TEST_F(ProcessTest, ARetriedWriteRepeatsNoByte) {
  Command command = MakeCommand("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  std::vector<absl::Status> answers;
  const auto note = [&](absl::Status status) { answers.push_back(status); };
  auto process = RunToEnd(command, [&](Process& p) {
    StdinPipe& pipe = p.stdin_pipe();
    pipe.Write(nullptr, "hello ", 0, false, note);
    pipe.Write(nullptr, "hello ", 0, false, note);
    pipe.Write(nullptr, "lo world", 3, false, note);
    pipe.Write(nullptr, "hole", 100, false, note);
    pipe.Write(nullptr, "", std::nullopt, true, note);
    pipe.Write(nullptr, "late", std::nullopt, false, note);
    pipe.Write(nullptr, "world", 6, true, note);  // a retry of what was taken
  });
  ASSERT_EQ(answers.size(), 7u);
  EXPECT_TRUE(answers[0].ok());
  EXPECT_TRUE(answers[1].ok());
  EXPECT_TRUE(answers[2].ok());
  EXPECT_EQ(ErrorReason(answers[3]), "OFFSET_OUT_OF_RANGE");
  EXPECT_TRUE(answers[4].ok());
  EXPECT_EQ(ErrorReason(answers[5]), "STDIN_CLOSED");
  EXPECT_TRUE(answers[6].ok());
  // In one piece or in several, as the child came to read it.
  const std::string output = absl::StrReplaceAll(Describe(*process), {{"\nout:", ""}});
  EXPECT_EQ(output.substr(0, 16), "out:hello world\n");
}

TEST_F(ProcessTest, StdinThatWasNotAskedForIsRefused) {
  absl::Status answer;
  RunToEnd(MakeCommand("exit_with", {"0"}), [&](Process& p) {
    p.stdin_pipe().Write(nullptr, "x", std::nullopt, false,
                         [&](absl::Status status) { answer = status; });
  });
  EXPECT_EQ(ErrorReason(answer), "STDIN_NOT_PIPED");
}

TEST_F(ProcessTest, OneWriterHoldsStdinUntilItLetsGo) {
  Command command = MakeCommand("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  int first = 0, second = 0;
  RunToEnd(command, [&](Process& p) {
    StdinPipe& pipe = p.stdin_pipe();
    EXPECT_TRUE(pipe.Claim(&first, false).ok());
    EXPECT_EQ(ErrorReason(pipe.Claim(&second, false)), "STDIN_BUSY");
    EXPECT_TRUE(pipe.Claim(&second, true).ok());
    EXPECT_EQ(ErrorReason(pipe.Claim(&first, false)), "STDIN_BUSY");
    pipe.Release(&first);  // not the holder: nothing
    EXPECT_EQ(ErrorReason(pipe.Claim(&first, false)), "STDIN_BUSY");
    pipe.Release(&second);
    EXPECT_TRUE(pipe.Claim(&first, false).ok());
    pipe.Write(&first, "", std::nullopt, true, [](absl::Status) {});
  });
}

// What a lost connection has left behind: its bytes are in the way of the next writer's.
TEST_F(ProcessTest, ForceEndsThePendingWriteOfAnother) {
  Command command = MakeCommand("wait_forever");  // never reads
  command.stdin_mode = StdioMode::kPipe;
  int first = 0, second = 0;
  const std::string input(1 << 20, 'x');
  std::vector<absl::Status> answers;
  RunToEnd(command, [&](Process& p) {
    StdinPipe& pipe = p.stdin_pipe();
    EXPECT_TRUE(pipe.Claim(&first, false).ok());
    pipe.Write(&first, input, std::nullopt, true,
               [&](absl::Status status) { answers.push_back(status); });
    pipe.Release(&first);
    EXPECT_EQ(ErrorReason(pipe.Claim(&second, false)), "STDIN_BUSY");
    EXPECT_TRUE(answers.empty());
    EXPECT_TRUE(pipe.Claim(&second, true).ok());
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(ErrorReason(answers[0]), "STDIN_BUSY");
    EXPECT_TRUE(pipe.open());  // the end of file went with the bytes before it
    EXPECT_GT(pipe.taken(), 0u);
    EXPECT_LT(pipe.taken(), input.size());
    const absl::Status hole = [&] {
      absl::Status answer;
      pipe.Write(&second, "y", pipe.taken() + 1, false, [&](absl::Status s) { answer = s; });
      return answer;
    }();
    EXPECT_EQ(ErrorReason(hole), "OFFSET_OUT_OF_RANGE");
    pipe.Write(&second, input.substr(pipe.taken()), pipe.taken(), true, [](absl::Status) {});
    p.Kill({ExitCause::kClientSignal, "me"});
  });
}

TEST_F(ProcessTest, TheIdleTimeoutEndsIt) {
  Command command = MakeCommand("wait_forever");
  command.idle_timeout = absl::Milliseconds(20);
  auto process = RunToEnd(command);
  EXPECT_EQ(process->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kIdleTimeout);
}

TEST_F(ProcessTest, OutputPutsTheIdleTimeoutOff) {
  Command command;  // silent for 50 ms at a time, for longer than the timeout in all
  command.argv = {"/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo; sleep 0.05; done"};
  command.idle_timeout = absl::Milliseconds(300);
  auto process = RunToEnd(command);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kSelf);
}

TEST_F(ProcessTest, ASmallerRetentionDropsTheOldestAtOnce) {
  auto process = RunToEnd(MakeCommand("spew", {"100000", "0"}));
  EXPECT_EQ(process->output_reservation(), 100000u);
  Command changed = process->command();
  changed.retain_bytes = 5000;
  changed.labels["k"] = "v";
  process->Update(changed);
  EXPECT_EQ(process->output().Totals()[0].dropped_bytes, 95000u);
  EXPECT_EQ(process->output_reservation(), 5000u);
  EXPECT_EQ(Describe(*process).substr(0, 12), "gap 0-95000\n");
  EXPECT_EQ(process->Info().command->labels.at("k"), "v");
}

TEST_F(ProcessTest, ALargerRetentionKeepsMoreFromNowOn) {
  Command command = MakeCommand("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  command.retain_bytes = 4096;
  bool updated = false;
  auto process = RunToEnd(command, [&](Process& p) {
    p.stdin_pipe().Write(nullptr, std::string(10000, 'a'), std::nullopt, false,
                         [](absl::Status) {});
    p.AddListener([&, raw = &p] {
      if (updated || raw->output().Totals()[0].total_bytes < 10000) return;
      updated = true;
      Command changed = raw->command();
      changed.retain_bytes = 20000;
      raw->Update(changed);
      raw->stdin_pipe().Write(nullptr, std::string(10000, 'b'), std::nullopt, true,
                              [](absl::Status) {});
    });
  });
  EXPECT_EQ(process->output().Totals()[0].total_bytes, 20000u);
  EXPECT_EQ(process->output().Totals()[0].dropped_bytes, 10000u - 4096u);
}

TEST_F(ProcessTest, ASignalIsTheCauseAndItsSenderIsNamed) {
  auto process = RunToEnd(MakeCommand("wait_forever"), [](Process& p) {
    EXPECT_TRUE(Send(p, SIGTERM, SignalScope::kLeader)->ok());
  });
  EXPECT_EQ(process->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kClientSignal);
  EXPECT_EQ(process->exit_status()->requested_by, "me");
  EXPECT_EQ(history_[0], "signal 15 by me");
}

// conformance 104
TEST_F(ProcessTest, ASignalAfterTheEndIsNotFound) {
  auto process = RunToEnd(MakeCommand("exit_with", {"0"}));
  const absl::Status status = *Send(*process, SIGKILL, SignalScope::kGroup);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), "PROCESS_EXITED");
}

TEST_F(ProcessTest, StopKillsWhoeverIgnoresTheSignal) {
  std::shared_ptr<Process> process;
  Run([&] {
    process = *Start(MakeCommand("ignore_term"));
    StopWhen(process, [](Process& p) { return p.state() == ProcessState::kDrained; });
    // Only once it says that it ignores the signal.
    process->AddListener([&] {
      if (process->state() != ProcessState::kRunning || process->Info().output[0].total_bytes == 0)
        return;
      if (std::exchange(stopped_, true)) return;
      StopPolicy policy;
      policy.grace = absl::Milliseconds(20);
      process->Stop(policy, {ExitCause::kClientSignal, "me"});
    });
  });
  EXPECT_EQ(process->exit_status()->wait.signal, SIGKILL);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kClientSignal);
  EXPECT_EQ(history_[0], "signal 15 by me");
  EXPECT_EQ(history_[1], "signal 9 by me");
}

TEST_F(ProcessTest, TheRunTimeoutEndsIt) {
  Command command = MakeCommand("wait_forever");
  command.run_timeout = absl::Milliseconds(20);
  auto process = RunToEnd(command);
  EXPECT_EQ(process->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kRunTimeout);
}

TEST_F(ProcessTest, DropsTheOldestOutputAndKeepsCount) {
  Command command = MakeCommand("spew", {"100000", "0"});
  command.retain_bytes = 4096;
  auto process = RunToEnd(command);
  const StreamTotals totals = process->drained()->output[0];
  EXPECT_EQ(totals.total_bytes, 100000u);
  EXPECT_EQ(totals.dropped_bytes, 100000u - 4096u);
  EXPECT_EQ(Describe(*process).substr(0, 12), "gap 0-95904\n");
}

TEST_F(ProcessTest, AnAttachedReaderHoldsTheProcessBackAndLosesNothing) {
  Command command = MakeCommand("spew", {"500000", "0"});
  command.retain_bytes = 4096;
  command.overflow = OverflowPolicy::kBlockChild;
  std::shared_ptr<Process> process;
  OutputCursor cursor;
  uint64_t seen = 0;
  const auto read = [&] {
    while (auto item = process->output().Next(cursor, 1000)) {
      EXPECT_FALSE(std::holds_alternative<OutputGap>(*item));
      if (const auto* chunk = std::get_if<OutputChunk>(&*item)) {
        EXPECT_EQ(chunk->offset, seen);
        seen += chunk->data.size();
      }
      process->OnReaderMoved();
    }
  };
  Run([&] {
    process = *Start(command);
    cursor = process->output().FromOldest();
    process->AttachReader(&cursor);
    process->AddListener(read);
    StopWhen(process, [&](Process& p) {
      return p.state() == ProcessState::kDrained && !p.output().HasNext(cursor);
    });
  });
  process->DetachReader(&cursor);
  EXPECT_EQ(seen, 500000u);
  EXPECT_EQ(process->drained()->reason, DrainReason::kEof);
}

TEST_F(ProcessTest, WithoutAReaderAFullLogDoesNotHoldItBack) {
  Command command = MakeCommand("spew", {"500000", "0"});
  command.retain_bytes = 4096;
  command.overflow = OverflowPolicy::kBlockChild;
  auto process = RunToEnd(command);
  EXPECT_EQ(process->drained()->output[0].total_bytes, 500000u);
}

// conformance 100
TEST_F(ProcessTest, AFailedSpawnLeavesNothing) {
  Run([&] {
    Command command;
    command.argv = {"/no/such/program"};
    auto process = Start(command);
    EXPECT_EQ(process.status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(ErrorReason(process.status()), "EXECUTABLE_NOT_FOUND");
    EXPECT_EQ(ErrorVariables(process.status()).at("errno_name"), "ENOENT");
    loop_->Stop();
  });
  EXPECT_TRUE(history_.empty());
}

// conformance 99
TEST_F(ProcessTest, AClosedWatcherIsRefusedBeforeTheSpawn) {
  watcher_->Close();
  Run([&] {
    auto process = Start(MakeCommand("wait_forever"));
    EXPECT_EQ(ErrorReason(process.status()), "WATCHER_UNAVAILABLE");
    loop_->Stop();
  });
}

TEST_F(ProcessTest, ALosingOwnerLeavesNoZombie) {
  Run([&] {
    auto process = *Start(MakeCommand("wait_forever"));
    const pid_t pid = process->Info().pid;
    process.reset();
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0) {
    }
    loop_->Stop();
  });
}

}  // namespace
}  // namespace proctor
