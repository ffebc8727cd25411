#pragma once

#include <google/protobuf/message.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/fact/event.h"

namespace proctor::storage {

inline constexpr absl::Time kTime = absl::FromUnixNanos(1700000000123456789);

// The fields of a message and of those in it that are not set, but `left_out`: what a sample
// has to have, so that a field that is added to the contract is added to the sample.
inline void FindUnset(const google::protobuf::Message& message, const std::string& path,
                      std::set<std::string>& unset) {
  const google::protobuf::Reflection* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = message.GetDescriptor()->field(i);
    const std::string name = absl::StrCat(path, path.empty() ? "" : ".", field->name());
    if (field->is_repeated()) {
      if (reflection->FieldSize(message, field) == 0) unset.insert(name);
      const bool plain = field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE ||
                         field->is_map();
      for (int j = 0; !plain && j < reflection->FieldSize(message, field); ++j) {
        FindUnset(reflection->GetRepeatedMessage(message, field, j), name, unset);
      }
    } else if (!reflection->HasField(message, field)) {
      const bool chosen_otherwise = field->real_containing_oneof() != nullptr &&
                                    reflection->HasOneof(message, field->real_containing_oneof());
      if (!chosen_otherwise) unset.insert(name);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE &&
               field->message_type()->file()->package() != "google.protobuf") {
      FindUnset(reflection->GetMessage(message, field), name, unset);
    }
  }
}

inline void ExpectAllSet(const google::protobuf::Message& message,
                         const std::set<std::string>& left_out = {}) {
  std::set<std::string> unset;
  FindUnset(message, "", unset);
  EXPECT_EQ(absl::StrJoin(unset, " "), absl::StrJoin(left_out, " "));
}

inline OutputTotals MakeTotals() {
  OutputTotals totals;
  totals[0] = {true, 1000, 10, true};
  totals[1] = {true, 2000, 20, true};
  return totals;
}

inline ExitStatus MakeExit() {
  ExitStatus status;
  status.wait.source = StatusSource::kWaited;
  status.wait.signal = SIGSEGV;
  status.wait.core_dumped = true;
  status.wait.has_usage = true;
  status.wait.usage = {
      absl::Microseconds(1000001), absl::Microseconds(2000002), 3, 4, 5, 6, 7, 8, 9, 10};
  status.cause = ExitCause::kClientSignal;
  status.requested_by = "unix:somebody";
  status.started_at = kTime;
  status.exited_at = kTime + absl::Nanoseconds(1500000001);
  status.duration = absl::Nanoseconds(1500000007);
  status.output = MakeTotals();
  status.watcher = "pidfd";
  return status;
}

inline OutputDrained MakeDrained() {
  return {DrainReason::kGraceExpired,
          {{123, "sleep"}, {456, "a name"}},
          MakeTotals(),
          kTime + absl::Seconds(2)};
}

// A command with everything; values of environments are not kept.
inline Command MakeCommand() {
  Command command;
  command.name = "web-1";
  command.argv = {"/bin/echo", "", "zwei W\xc3\xb6rter", "--x=y"};
  command.cwd = "/tmp";
  command.env = {{"NAME", ""}, {"OTHER", ""}};
  command.env_base = EnvironmentBase::kClear;
  command.stdin_mode = StdioMode::kPipe;
  command.stdout_mode = StdioMode::kPipe;
  command.stderr_mode = StdioMode::kMerged;
  command.user = {"nobody", "nogroup", {"1", "2"}, true};
  command.umask = 027;
  command.nice = 3;
  command.oom_score_adj = -17;
  command.rlimits = {{"nofile", 100, 200}, {"core", 300, 400}};
  command.cgroup = {1 << 20, 1.5, 10, 1 << 21, 50};
  command.run_timeout = absl::Milliseconds(1500);
  command.idle_timeout = absl::Milliseconds(2500);
  command.drain_grace = absl::Milliseconds(3500);
  command.stop_policy = {SIGINT, absl::Milliseconds(4500), SignalScope::kTree};
  command.retain_bytes = 12345;
  command.overflow = OverflowPolicy::kBlockChild;
  command.labels = {{"a", "1"}, {"b", "2"}};
  return command;
}

inline ProcessInfo MakeProcess() {
  ProcessInfo info;
  info.id = "process";
  info.session_id = "session";
  info.command = std::make_shared<const Command>(MakeCommand());
  info.pid = 4711;
  info.state = ProcessState::kDrained;
  info.started_at = kTime;
  info.exit_status = MakeExit();
  info.drained = MakeDrained();
  info.watcher = "threaded";
  info.output = MakeTotals();
  info.stdin_bytes = 99;
  info.stdin_open = true;
  info.tree_mechanism = TreeMechanism::kCgroup;
  info.tree_empty = true;
  return info;
}

inline SessionInfo MakeSession() {
  SessionInfo info;
  info.id = "session";
  info.state = SessionState::kClosing;
  info.policy = "proactor";
  info.watcher = "pidfd";
  info.loop = "epoll";
  info.is_default = true;
  info.labels = {{"a", "1"}};
  info.created_at = kTime;
  info.lease = absl::Milliseconds(60500);
  info.lease_expires_at = kTime + info.lease;
  info.on_lease_expiry = LeaseExpiry::kKeep;
  info.quota = {7, 1 << 30};
  return info;
}

inline SessionOpened MakeOpened() {
  const SessionInfo info = MakeSession();
  SessionOpened opened;
  opened.policy = info.policy;
  opened.watcher = info.watcher;
  opened.loop = info.loop;
  opened.is_default = true;
  opened.lease = info.lease;
  opened.lease_expires_at = info.lease_expires_at;
  opened.on_lease_expiry = LeaseExpiry::kKeep;
  opened.max_running_processes = 7;
  opened.max_output_bytes = 8;
  return opened;
}

inline ProcessUpdated MakeUpdated() {
  ProcessUpdated updated;
  updated.process = {4711, {"/bin/echo", "x"}, "/tmp", "pidfd"};
  updated.state = ProcessState::kDrained;
  updated.started_at = kTime;
  updated.exit_status = MakeExit();
  updated.drained = MakeDrained();
  updated.retain_bytes = 12345;
  updated.overflow = OverflowPolicy::kBlockChild;
  return updated;
}

}  // namespace proctor::storage
