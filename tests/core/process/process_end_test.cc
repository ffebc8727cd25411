// Who has caused an end, where several want it at once.
#include <gmock/gmock.h>

#include "tests/core/process/process_fixture.h"

namespace proctor {
namespace {

class ProcessEndTest : public ProcessFixture {
 protected:
  // Blocks until the child is a zombie, of which this thread has not been told yet.
  static void AwaitZombie(const Process& process) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(process.Info().pid), &info, WEXITED | WNOWAIT), 0);
  }

  // What is said of a process that exits with 3 and is asked to end by `ask` before anybody
  // has heard of that.
  ExitStatus EndedBefore(std::function<void(Process&)> ask, Command command) {
    auto process = RunToEnd(std::move(command), [&](Process& p) {
      AwaitZombie(p);
      ask(p);
    });
    return *process->exit_status();
  }
};

TEST_F(ProcessEndTest, IsItsOwnWhereItEndedBeforeItWasAskedTo) {
  const EndRequest request = {ExitCause::kSessionClosed, "me"};
  const std::vector<std::function<void(Process&)>> ways = {
      [&](Process& p) { p.Kill(request); },
      [&](Process& p) { p.Stop({.grace = absl::ZeroDuration()}, request); },
      [&](Process& p) { p.Stop(StopPolicy(), request); },
      [&](Process& p) { p.Stop({.scope = SignalScope::kTree}, request); },
      [&](Process& p) {
        p.Stop({.grace = absl::ZeroDuration(), .scope = SignalScope::kTree}, request);
      },
  };
  for (size_t i = 0; i < ways.size(); ++i) {
    const ExitStatus status = EndedBefore(ways[i], MakeCommand("exit_with", {"3"}));
    EXPECT_EQ(status.wait.exit_code, 3) << i;
    EXPECT_EQ(status.cause, ExitCause::kSelf) << i;
    EXPECT_EQ(status.requested_by, "") << i;
  }
}

TEST_F(ProcessEndTest, IsItsOwnWhereASignalCameTooLate) {
  const ExitStatus status = EndedBefore(
      [](Process& p) {
        EXPECT_TRUE(absl::IsNotFound(*Send(p, SIGKILL, SignalScope::kLeader)));
        EXPECT_TRUE(absl::IsNotFound(*Send(p, SIGKILL, SignalScope::kGroup)));
        (void)Send(p, SIGKILL, SignalScope::kTree);
      },
      MakeCommand("kill_self", {"9"}));
  EXPECT_EQ(status.wait.signal, SIGKILL);
  EXPECT_EQ(status.cause, ExitCause::kSelf);
}

// A loop that was held up finds the timer due and the child ended.
TEST_F(ProcessEndTest, IsItsOwnWhereItEndedBeforeItsTimeWasOver) {
  for (const bool idle : {false, true}) {
    Command command = MakeCommand("exit_with", {"3"});
    (idle ? command.idle_timeout : command.run_timeout) = absl::Nanoseconds(1);
    const ExitStatus status = EndedBefore([](Process&) {}, std::move(command));
    EXPECT_EQ(status.wait.exit_code, 3);
    EXPECT_EQ(status.cause, ExitCause::kSelf);
  }
}

TEST_F(ProcessEndTest, IsNotTheRequestsWhereAnotherKilledIt) {
  auto process = RunToEnd(MakeCommand("ignore_term"), [](Process& p) {
    p.Stop({.signal = SIGCONT, .grace = absl::Hours(1)}, {ExitCause::kClientSignal, "me"});
    ::kill(p.Info().pid, SIGKILL);
  });
  EXPECT_EQ(process->exit_status()->wait.signal, SIGKILL);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kSelf);
}

TEST_F(ProcessEndTest, IsACrashWhereASignalOfThatKindCameFromNobodyHere) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP}) {
    auto process = RunToEnd(MakeCommand("kill_self", {absl::StrCat(signal)}));
    EXPECT_EQ(process->exit_status()->wait.signal, signal);
    EXPECT_EQ(process->exit_status()->cause, ExitCause::kCrashed) << signal;
  }
  for (const int signal : {SIGTERM, SIGKILL, SIGQUIT, SIGXCPU}) {
    auto process = RunToEnd(MakeCommand("kill_self", {absl::StrCat(signal)}));
    EXPECT_EQ(process->exit_status()->cause, ExitCause::kSelf) << signal;
  }
  auto process = RunToEnd(MakeCommand("wait_forever"), [](Process& p) {
    EXPECT_TRUE(Send(p, SIGSEGV, SignalScope::kLeader)->ok());
  });
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kClientSignal);
}

TEST_F(ProcessEndTest, TellsNoSizeThatWasOurs) {
  const auto small = RunToEnd(MakeCommand("exit_with", {"0"}));
  EXPECT_TRUE(small->exit_status()->wait.has_usage);
  EXPECT_EQ(small->exit_status()->wait.usage.max_rss_bytes, 0u);
  constexpr uint64_t kMib = 300;  // above what this test has ever had
  const auto large = RunToEnd(MakeCommand("eat_memory", {absl::StrCat(kMib)}), [](Process& p) {
    p.AddListener([raw = &p] {
      if (raw->output().Totals()[0].total_bytes > 0) raw->Kill({ExitCause::kClientSignal, "me"});
    });
  });
  EXPECT_GE(large->exit_status()->wait.usage.max_rss_bytes, kMib << 20);
}

TEST_F(ProcessEndTest, IsOfWhoeverKilledItFirst) {
  auto process = RunToEnd(MakeCommand("wait_forever"), [](Process& p) {
    p.Signal(SIGKILL, SignalScope::kLeader, "first",
             [](const absl::Status& sent) { EXPECT_TRUE(sent.ok()) << sent; });
    p.Kill({ExitCause::kSessionClosed, "second"});
  });
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kClientSignal);
  EXPECT_EQ(process->exit_status()->requested_by, "first");
}

}  // namespace
}  // namespace proctor
