#include "server/storage/stored_process.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/wire/process.h"
#include "tests/server/storage/stored_samples.h"

namespace proctor::storage {
namespace {

void ExpectTheSame(const ProcessInfo& info) {
  const auto decoded = DecodeProcess(EncodeProcess(info));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->id, info.id);
  EXPECT_EQ(decoded->session_id, info.session_id);
  EXPECT_TRUE(*decoded->command == *info.command);
  EXPECT_EQ(decoded->pid, info.pid);
  EXPECT_EQ(decoded->state, info.state);
  EXPECT_EQ(decoded->started_at, info.started_at);
  EXPECT_TRUE(decoded->exit_status == info.exit_status);
  EXPECT_TRUE(decoded->drained == info.drained);
  EXPECT_EQ(decoded->watcher, info.watcher);
  EXPECT_TRUE(decoded->output == info.output);
  EXPECT_EQ(decoded->stdin_bytes, info.stdin_bytes);
  EXPECT_EQ(decoded->stdin_open, info.stdin_open);
  EXPECT_EQ(decoded->tree_mechanism, info.tree_mechanism);
  EXPECT_EQ(decoded->tree_empty, info.tree_empty);
  google::protobuf::util::MessageDifferencer differencer;
  std::string differences;
  differencer.ReportDifferencesToString(&differences);
  EXPECT_TRUE(differencer.Compare(wire::ToProto(info), wire::ToProto(*decoded))) << differences;
}

TEST(StoredProcesses, EveryFieldComesBack) {
  ExpectTheSame(MakeProcess());
  ProcessInfo running = MakeProcess();
  running.state = ProcessState::kRunning;
  running.exit_status.reset();
  running.drained.reset();
  running.tree_mechanism = TreeMechanism::kWalk;
  running.tree_empty = running.stdin_open = false;
  ExpectTheSame(running);
  ProcessInfo exited = MakeProcess();
  exited.state = ProcessState::kExited;
  exited.drained.reset();
  exited.tree_mechanism = TreeMechanism::kGroup;
  ExpectTheSame(exited);
  // In place of what is set; set where something is left out; found out when it is asked for.
  ExpectAllSet(wire::ToWholeProto(MakeProcess()),
               {"output_place", "spec.pty", "spec_omitted", "survivors"});
}

TEST(StoredProcesses, EveryCommandThatCanBeStartedComesBack) {
  const auto expect = [](const Command& command) {
    ASSERT_TRUE(ValidateCommand(command).ok()) << ValidateCommand(command);
    ProcessInfo info = MakeProcess();
    info.command = std::make_shared<const Command>(command);
    ExpectTheSame(info);
  };
  Command plain;
  plain.argv = {"true"};
  expect(plain);
  Command terminal = plain;
  terminal.terminal = TerminalOptions{{50, 100, 800, 600}, "dumb"};
  expect(terminal);
  terminal.terminal = TerminalOptions{};
  expect(terminal);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    SCOPED_TRACE(signal);
    Command command = plain;
    command.stop_policy.signal = signal;
    if (ValidateCommand(command).ok()) expect(command);
  }
  for (const StdioMode mode : {StdioMode::kPipe, StdioMode::kNull}) {
    Command command = plain;
    command.stdin_mode = command.stdout_mode = command.stderr_mode = mode;
    expect(command);
  }
  Command zero = plain;
  zero.stop_policy.grace = absl::ZeroDuration();
  zero.stop_policy.scope = SignalScope::kLeader;
  zero.drain_grace = absl::ZeroDuration();
  zero.umask = 0;
  zero.cgroup.swap_bytes = 0;
  zero.rlimits = {{"nofile", 0, 0}, {"core", std::nullopt, std::nullopt}};
  expect(zero);
  Command long_times = plain;
  long_times.run_timeout = long_times.idle_timeout = long_times.stop_policy.grace =
      absl::Seconds(315576000000);
  expect(long_times);
  Command small = plain;
  for (const uint64_t bytes : {uint64_t{1}, uint64_t{4096}, uint64_t{1} << 30}) {
    small.retain_bytes = bytes;
    if (ValidateCommand(small).ok()) expect(small);
  }
}

TEST(StoredProcesses, ValuesOfEnvironmentsAreNotKept) {
  ProcessInfo info = MakeProcess();
  Command command = MakeCommand();
  command.env = {{"SECRET", "hunter2"}};
  info.command = std::make_shared<const Command>(command);
  EXPECT_EQ(EncodeProcess(info).find("hunter2"), std::string::npos);
}

// A check that gets stricter loses nothing that was started before it.
TEST(StoredProcesses, WhatTheCheckOfRequestsRefusesIsReadBack) {
  const std::function<void(Command&)> breaches[] = {
      [](Command& command) { command.argv.clear(); },
      [](Command& command) { command.name = "no such name: " + std::string(500, 'x'); },
      [](Command& command) {
        command.env = {{"A=B", ""}};
      },
      [](Command& command) {
        command.labels = {{std::string(5000, 'k'), "v"}};
      },
      [](Command& command) {
        command.labels = {{"k", std::string(50000, 'v')}};
      },
      [](Command& command) { command.retain_bytes = uint64_t{1} << 60; },
      [](Command& command) { command.retain_bytes = 1; },
      [](Command& command) { command.stdin_mode = StdioMode::kMerged; },
      [](Command& command) { command.umask = 07777; },
      [](Command& command) { command.nice = 1000; },
      [](Command& command) { command.oom_score_adj = -5000; },
      [](Command& command) {
        command.rlimits = {{"no such limit", 2, 1}};
      },
      [](Command& command) { command.cgroup.io_weight = 1 << 20; },
      [](Command& command) { command.run_timeout = absl::ZeroDuration(); },
      [](Command& command) { command.idle_timeout = absl::Seconds(-1); },
      [](Command& command) { command.drain_grace = absl::Seconds(-1); },
      [](Command& command) { command.stop_policy.grace = absl::Seconds(-1); },
      [](Command& command) {
        command.terminal = {{100000, 1, 1, 1}, std::string(5000, 't')};
      },
  };
  int number = 0;
  for (const auto& breach : breaches) {
    SCOPED_TRACE(number++);
    Command command;
    command.argv = {"true"};
    ASSERT_TRUE(ValidateCommand(command).ok());
    breach(command);
    EXPECT_FALSE(ValidateCommand(command).ok());
    ProcessInfo info = MakeProcess();
    info.command = std::make_shared<const Command>(command);
    ExpectTheSame(info);
  }
}

TEST(StoredProcesses, WhatALaterVersionWroteIsReadAsWhatIsNearest) {
  v1::Process stored = wire::ToWholeProto(MakeProcess());
  stored.set_state(static_cast<v1::ProcessState>(99));
  stored.set_tree_mechanism(static_cast<v1::TreeMechanism>(99));
  stored.mutable_exit_status()->set_cause(static_cast<v1::ExitCause>(99));
  v1::ProcessSpec* const spec = stored.mutable_spec();
  spec->set_env_base(static_cast<v1::EnvironmentBase>(99));
  spec->set_stdin_mode(static_cast<v1::StdioMode>(99));
  spec->set_stdout_mode(static_cast<v1::StdioMode>(99));
  spec->mutable_output()->set_overflow(static_cast<v1::OverflowPolicy>(99));
  spec->mutable_stop_policy()->set_scope(static_cast<v1::SignalScope>(99));
  spec->mutable_stop_policy()->set_signal("SIGNEW");
  const auto decoded = DecodeProcess(stored.SerializeAsString());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->state, ProcessState::kDrained);
  EXPECT_EQ(decoded->tree_mechanism, TreeMechanism::kWalk);
  EXPECT_EQ(decoded->exit_status->cause, ExitCause::kUnknown);
  EXPECT_EQ(decoded->command->env_base, EnvironmentBase::kDefault);
  EXPECT_EQ(decoded->command->stdin_mode, StdioMode::kNull);
  EXPECT_EQ(decoded->command->stdout_mode, StdioMode::kPipe);
  EXPECT_EQ(decoded->command->overflow, OverflowPolicy::kDropOldest);
  EXPECT_EQ(decoded->command->stop_policy.scope, SignalScope::kGroup);
  EXPECT_EQ(decoded->command->stop_policy.signal, SIGTERM);
  EXPECT_EQ(decoded->command->argv, MakeCommand().argv);
  stored.clear_drained();
  EXPECT_EQ(DecodeProcess(stored.SerializeAsString())->state, ProcessState::kExited);
  stored.clear_exit_status();
  EXPECT_EQ(DecodeProcess(stored.SerializeAsString())->state, ProcessState::kRunning);
}

TEST(StoredProcesses, WhatIsNoneIsSaidToBeUnreadable) {
  EXPECT_EQ(DecodeProcess("\xff garbage").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeProcess("").status().code(), absl::StatusCode::kDataLoss);
}

TEST(StoredCommand, IsToldFromAnotherByItsDigestOnly) {
  Command command;
  command.argv = {"a", "b"};
  command.env = {{"NAME", "value"}, {"OTHER", "2"}};
  command.labels = {{"x", "1"}, {"y", "2"}};
  const std::string digest = DigestOf(command);
  EXPECT_EQ(digest.size(), 16u) << digest;
  EXPECT_EQ(DigestOf(Command(command)), digest);
  std::vector<Command> others(5, command);
  others[0].argv = {"a b"};
  others[1].env["NAME"] = "another value";
  others[2].labels["x"] = "2";
  others[3].cwd = "/";
  others[4].overflow = OverflowPolicy::kBlockChild;
  for (const Command& other : others) EXPECT_NE(DigestOf(other), digest);
}

}  // namespace
}  // namespace proctor::storage
