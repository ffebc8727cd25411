#include "core/session/session_processes.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <vector>

#include "tests/core/session/session_fixture.h"

namespace proctor {
namespace {

class SessionProcessesTest : public SessionTest {
 protected:
  // Whether nobody of a tree is left, which is looked for when it is asked for the first time.
  static bool TreeEmpty(Process& process) {
    process.WatchTree();
    return process.tree_empty();
  }

  absl::Status Remove(const std::shared_ptr<SessionContext>& session, const std::string& id) {
    return Call(session, [&] { return session->RemoveProcess(id, RemovalReason::kClientRequest); });
  }

  // The id of the process that CancelStart found.
  absl::StatusOr<std::string> Cancel(const std::shared_ptr<SessionContext>& session,
                                     const std::string& request_id) {
    return Call(session, [&]() -> absl::StatusOr<std::string> {
      auto process = session->CancelStart(request_id, "me");
      if (!process.ok()) return process.status();
      return *process == nullptr ? "" : (*process)->id();
    });
  }

  absl::StatusOr<ProcessInfo> Update(const std::shared_ptr<SessionContext>& session,
                                     const std::string& id, const ProcessChange& change) {
    return Call(session, [&]() -> absl::StatusOr<ProcessInfo> {
      auto process = session->UpdateProcess(id, change);
      if (!process.ok()) return process.status();
      return (*process)->Info();
    });
  }

  void ExpectQuota(const absl::Status& status, const std::string& quota, uint64_t limit,
                   uint64_t used) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(ErrorReason(status), "QUOTA_EXCEEDED");
    const ErrorMetadata expected = {
        {"quota", quota}, {"limit", absl::StrCat(limit)}, {"used", absl::StrCat(used)}};
    EXPECT_EQ(ErrorVariables(status), expected);
  }

  static Command WithName(const std::string& program, const std::string& name) {
    Command command = MakeCommand(program);
    command.name = name;
    return command;
  }

  // The pid that a `daemonize` wrote; it has ended, and its daemon runs.
  pid_t DaemonOf(const std::shared_ptr<SessionContext>& session, const std::string& id) {
    AwaitExit(id);
    return PidIn(session, id);
  }

  // The pid that a `hold_pipe` wrote; it has ended, and that process keeps its output open.
  pid_t HolderOf(const std::shared_ptr<SessionContext>& session, const std::string& id) {
    AwaitOf(id, [](Process& process) { return process.state() == ProcessState::kExited; });
    return PidIn(session, id);
  }

  // The pid that is all of its output.
  pid_t PidIn(const std::shared_ptr<SessionContext>& session, const std::string& id) {
    const std::string text = Call(session, [&] {
      const auto process = *session->FindProcess(id);
      std::string read;
      auto cursor = *process->output().FromOffsets(0, 0);
      while (auto item = process->output().Next(cursor, 100)) {
        if (const auto* chunk = std::get_if<OutputChunk>(&*item)) read += chunk->data;
      }
      return read;
    });
    int pid = 0;
    EXPECT_TRUE(absl::SimpleAtoi(text, &pid)) << text;
    return pid;
  }

  // Not gone, and no zombie.
  static bool Runs(pid_t pid) {
    std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
    std::string text;
    std::getline(stat, text);
    const size_t name_end = text.rfind(')');
    return name_end != std::string::npos && text.substr(name_end + 2, 1) != "Z";
  }
};

TEST_F(SessionProcessesTest, ARequestIdOutlivesItsProcess) {
  auto session = Open();
  const ProcessInfo first = *Start(session, MakeCommand("exit_with", "1"), "r");
  AwaitExit(first.id);
  ASSERT_TRUE(Remove(session, first.id).ok());
  const absl::Status again = Start(session, MakeCommand("exit_with", "1"), "r").status();
  EXPECT_EQ(ErrorReason(again), "PROCESS_NOT_FOUND");
  EXPECT_EQ(ErrorVariables(again).at("process_id"), first.id);
  EXPECT_EQ(registry_->processes().CountAll().running, 0u);
}

TEST_F(SessionProcessesTest, ACancelledStartNeverRuns) {
  auto session = Open();
  EXPECT_EQ(*Cancel(session, "r"), "");
  EXPECT_EQ(ErrorReason(Start(session, MakeCommand("wait_forever"), "r").status()),
            "START_CANCELLED");
  EXPECT_EQ(*Cancel(session, "r"), "");
  EXPECT_EQ(registry_->processes().CountAll().running, 0u);
}

TEST_F(SessionProcessesTest, ACancelThatComesLaterKills) {
  auto session = Open();
  const ProcessInfo running = *Start(session, MakeCommand("wait_forever"), "r");
  EXPECT_EQ(*Cancel(session, "r"), running.id);
  AwaitExit(running.id);
  const ExitStatus status = *Published(running.id).exit_status;
  EXPECT_EQ(status.wait.signal, SIGKILL);
  EXPECT_EQ(status.cause, ExitCause::kClientSignal);
  EXPECT_EQ(status.requested_by, "me");
  EXPECT_EQ(*Cancel(session, "r"), running.id) << "repeatable";
  ASSERT_TRUE(Remove(session, running.id).ok());
  EXPECT_EQ(ErrorReason(Cancel(session, "r").status()), "PROCESS_NOT_FOUND");
}

TEST_F(SessionProcessesTest, ASessionRunsAsManyAsItsQuotaSays) {
  auto session = Open({.quota = {.max_running_processes = 2}});
  const ProcessInfo first = *Start(session, MakeCommand("wait_forever"), "r");
  ASSERT_TRUE(Start(session, MakeCommand("wait_forever")).ok());
  ExpectQuota(Start(session, MakeCommand("wait_forever")).status(), "running_processes", 2, 2);
  EXPECT_EQ(Start(session, MakeCommand("wait_forever"), "r")->id, first.id)
      << "a repetition is not counted";
  ::kill(first.pid, SIGKILL);
  AwaitExit(first.id);
  EXPECT_TRUE(Start(session, MakeCommand("wait_forever")).ok());
}

TEST_F(SessionProcessesTest, OutputIsReservedAndGivenBack) {
  auto session = Open({.quota = {.max_output_bytes = 10000}});
  Command command = MakeCommand("wait_forever");  // writes 6 bytes
  command.retain_bytes = 4096;
  const ProcessInfo first = *Start(session, command);
  ASSERT_TRUE(Start(session, command).ok());
  ExpectQuota(Start(session, command).status(), "output_bytes", 10000, 8192);
  AwaitOf(first.id, [](Process& process) { return process.output().Totals()[0].total_bytes == 6; });
  ::kill(first.pid, SIGKILL);
  AwaitExit(first.id);
  ASSERT_TRUE(Start(session, command).ok());
  ExpectQuota(Start(session, command).status(), "output_bytes", 10000, 8192 + 6);
  ASSERT_TRUE(Remove(session, first.id).ok());
  ExpectQuota(Start(session, command).status(), "output_bytes", 10000, 8192);
  command.stdout_mode = command.stderr_mode = StdioMode::kNull;
  EXPECT_TRUE(Start(session, command).ok()) << "keeps nothing";
}

TEST_F(SessionProcessesTest, AServerRunsAsManyAsItIsAllowedHoweverManySessionsAsk) {
  constexpr int kMost = 20;
  Restart({.max_processes = kMost});
  std::vector<std::thread> threads;
  std::atomic<int> started = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      auto session = Open();
      for (int j = 0; j < kMost; ++j) {
        EXPECT_FALSE(Start(session, MakeCommand("no_such_program")).ok());
        auto process = Start(session, MakeCommand("wait_forever"));
        if (process.ok()) {
          ++started;
        } else {
          EXPECT_EQ(ErrorVariables(process.status())["quota"], "server_processes");
          return;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(started, kMost);
  EXPECT_EQ(registry_->processes().CountAll().running, static_cast<uint64_t>(started));
  // Those that could not be spawned hold a place only while they are tried.
  auto session = Open();
  for (; started < kMost; ++started) {
    ASSERT_TRUE(Start(session, MakeCommand("wait_forever")).ok());
  }
  ExpectQuota(Start(session, MakeCommand("wait_forever")).status(), "server_processes", kMost,
              kMost);
}

TEST_F(SessionProcessesTest, AQuotaIsNeverAboveTheServers) {
  Restart({.quota = {.max_running_processes = 5, .max_output_bytes = 1 << 20}});
  EXPECT_EQ(Open()->Info().quota, (SessionQuota{5, 1 << 20}));
  EXPECT_EQ(Open({.quota = {3, 2 << 20}})->Info().quota, (SessionQuota{3, 1 << 20}));
}

TEST_F(SessionProcessesTest, AChangeIsPublishedAndOnRecord) {
  auto session = Open();
  Command command = MakeCommand("wait_forever");
  command.labels = {{"a", "1"}, {"b", "1"}};
  const ProcessInfo info = *Start(session, command, "r");
  auto updated =
      Update(session, info.id, {.labels = {{"a", "2"}, {"b", ""}}, .retain_bytes = 8192});
  ASSERT_TRUE(updated.ok()) << updated.status();
  const std::map<std::string, std::string> labels = {{"a", "2"}};
  EXPECT_EQ(updated->command->labels, labels);
  EXPECT_EQ(Published(info.id).command->labels, labels);
  EXPECT_EQ(Published(info.id).command->retain_bytes, 8192u);
  auto event = FindEvent(
      [](const Event& event) { return std::holds_alternative<ProcessUpdated>(event.detail); });
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->labels, labels);
  EXPECT_EQ(std::get<ProcessUpdated>(event->detail).retain_bytes, 8192u);
  EXPECT_EQ(std::get<ProcessUpdated>(event->detail).state, ProcessState::kRunning);
  EXPECT_EQ(Start(session, command, "r")->id, info.id) << "the request was for the first one";
  EXPECT_EQ(ErrorReason(Update(session, "nope", {}).status()), "PROCESS_NOT_FOUND");
  EXPECT_EQ(ErrorReason(Update(session, info.id, {.retain_bytes = 1}).status()), "INVALID_FIELD");
}

TEST_F(SessionProcessesTest, ALargerRetentionIsWithinTheQuota) {
  auto session = Open({.quota = {.max_output_bytes = 10000}});
  Command command = MakeCommand("wait_forever");
  command.retain_bytes = 4096;
  const ProcessInfo info = *Start(session, command);
  ExpectQuota(Update(session, info.id, {.retain_bytes = 10001}).status(), "output_bytes", 10000,
              4096);
  EXPECT_TRUE(Update(session, info.id, {.retain_bytes = 10000}).ok());
  EXPECT_TRUE(Update(session, info.id, {.retain_bytes = 5000}).ok());
  ExpectQuota(Start(session, MakeCommand("wait_forever")).status(), "output_bytes", 10000, 5000);
}

TEST_F(SessionProcessesTest, TheEndOfATreeIsPublished) {
  auto session = Open();
  const ProcessInfo info = *Start(session, MakeCommand("daemonize"));
  const pid_t daemon = DaemonOf(session, info.id);
  EXPECT_FALSE(Call(session, [&] { return TreeEmpty(**session->FindProcess(info.id)); }));
  EXPECT_FALSE(Published(info.id).tree_empty);
  ::kill(daemon, SIGKILL);
  AwaitOf(info.id, [](Process& process) { return TreeEmpty(process); });
  EXPECT_TRUE(Published(info.id).tree_empty);
}

TEST_F(SessionProcessesTest, AGracefulCloseWaitsForTheTreesThatItStops) {
  auto session = Open();
  Command command = MakeCommand("daemonize", "ignore-term");
  command.stop_policy = {.grace = absl::Milliseconds(200), .scope = SignalScope::kTree};
  const ProcessInfo info = *Start(session, command);
  const pid_t daemon = DaemonOf(session, info.id);
  EXPECT_TRUE(Runs(daemon));
  Close(session->id(), {.graceful = true});
  EXPECT_FALSE(Runs(daemon));
}

TEST_F(SessionProcessesTest, AGracefulCloseFindsManyTreesEmptyAtOnce) {
  auto session = Open();
  Command command = MakeCommand("exit_with", "0");
  command.stop_policy.scope = SignalScope::kTree;
  for (int i = 0; i < 30; ++i) AwaitExit(Start(session, command)->id);
  Close(session->id(), {.graceful = true});
}

TEST_F(SessionProcessesTest, ACloseLeavesTheDaemonsOfOthersAlone) {
  auto session = Open();
  const ProcessInfo info = *Start(session, MakeCommand("daemonize"));
  const pid_t daemon = DaemonOf(session, info.id);
  Close(session->id(), {.graceful = true});
  EXPECT_TRUE(Runs(daemon));
  ::kill(daemon, SIGKILL);
}

TEST_F(SessionProcessesTest, AHarsherCloseDoesNotWaitForTrees) {
  auto session = Open();
  Command command = MakeCommand("daemonize", "ignore-term");
  command.stop_policy = {.grace = absl::Hours(1), .scope = SignalScope::kTree};
  const ProcessInfo info = *Start(session, command);
  const pid_t daemon = DaemonOf(session, info.id);
  std::promise<void> gentle;
  ASSERT_TRUE(registry_
                  ->Close(session->id(), {.graceful = true},
                          [&](const SessionInfo&) { gentle.set_value(); })
                  .ok());
  EXPECT_EQ(registry_->GetInfo(session->id())->state == SessionState::kClosed, false);
  Close(session->id());
  gentle.get_future().get();
  ::kill(daemon, SIGKILL);  // no harm where it is gone
}

// Its output stays open, so that nothing else ends the wait.
TEST_F(SessionProcessesTest, ACloseWaitsForNoRemovedProcess) {
  auto session = Open();
  const auto start = [&] {
    Command command = MakeCommand("hold_pipe");
    command.drain_grace = absl::Hours(1);
    return Start(session, command)->id;
  };
  const auto remove = [&](const std::string& id) {
    return Call(session, [&] { return session->RemoveProcess(id, RemovalReason::kClientRequest); });
  };
  const std::string first = start(), second = start();
  const pid_t holders[] = {HolderOf(session, first), HolderOf(session, second)};
  EXPECT_EQ(remove(first), absl::OkStatus());
  const auto closed = std::make_shared<absl::Notification>();
  EXPECT_EQ(registry_->Close(session->id(), {.graceful = true},
                             [closed](const SessionInfo&) { closed->Notify(); }),
            absl::OkStatus());
  EXPECT_EQ(remove(second), absl::OkStatus());
  EXPECT_TRUE(closed->WaitForNotificationWithTimeout(absl::Minutes(1)));
  for (const pid_t holder : holders) ::kill(holder, SIGKILL);
}

TEST_F(SessionProcessesTest, ANameInUseStartsNothing) {
  auto session = Open();
  auto other = Open();
  const auto first = Start(session, WithName("wait_forever", "web"));
  ASSERT_TRUE(first.ok()) << first.status();
  for (const auto& where : {session, other}) {
    const absl::Status refused = Start(where, WithName("wait_forever", "web")).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists) << refused;
    EXPECT_EQ(ErrorReason(refused), "NAME_IN_USE");
    EXPECT_EQ(ErrorVariables(refused)["process_id"], first->id);
  }
  EXPECT_EQ(registry_->processes().CountAll().running, 1u);
  EXPECT_EQ(registry_->FindProcess("web")->info->id, first->id);
  const auto started = AwaitEvent(
      [](const Event& event) { return std::holds_alternative<ProcessStarted>(event.detail); });
  EXPECT_EQ(std::get<ProcessStarted>(started->detail).name, "web");

  Call(session, [&] {
    (*session->FindProcess(first->id))->Kill({ExitCause::kClientSignal, "me"});
    return 0;
  });
  AwaitExit(first->id);
  const auto second = Start(other, WithName("wait_forever", "web"));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(registry_->FindProcess("web")->info->id, second->id);
}

TEST_F(SessionProcessesTest, ARepeatedRequestIsNoSecondOneOfItsName) {
  auto session = Open();
  const auto first = Start(session, WithName("wait_forever", "web"), "r");
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = Start(session, WithName("wait_forever", "web"), "r");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(ErrorReason(Start(session, WithName("wait_forever", "db"), "r").status()),
            "REQUEST_ID_REUSED");
}

TEST_F(SessionProcessesTest, AStartThatFailsLeavesItsNameFree) {
  auto session = Open();
  Command broken = WithName("wait_forever", "web");
  broken.argv = {"/nowhere/at/all"};
  EXPECT_FALSE(Start(session, broken).ok());
  EXPECT_FALSE(Start(session, broken, "r").ok());
  EXPECT_TRUE(Start(session, WithName("wait_forever", "web")).ok());
}

}  // namespace
}  // namespace proctor
