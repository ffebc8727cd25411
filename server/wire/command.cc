#include "server/wire/command.h"

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "core/base/signal_name.h"
#include "server/wire/status.h"
#include "server/wire/time.h"

namespace proctor::wire {
namespace {

// Fields of the contract that this version refuses.
absl::Status RefuseUnserved(const v1::ProcessSpec& spec) {
  if (spec.has_pty()) return NotImplemented("field", "spec.pty");
  if (spec.has_user()) return NotImplemented("field", "spec.user");
  if (spec.has_nice()) return NotImplemented("field", "spec.nice");
  if (spec.rlimits_size() > 0) return NotImplemented("field", "spec.rlimits");
  if (spec.has_cgroup()) return NotImplemented("field", "spec.cgroup");
  if (spec.has_idle_timeout()) return NotImplemented("field", "spec.idle_timeout");
  return absl::OkStatus();
}

absl::StatusOr<StdioMode> StdioModeFromProto(v1::StdioMode mode, StdioMode unspecified,
                                             std::string_view field) {
  switch (mode) {
    case v1::STDIO_MODE_UNSPECIFIED:
      return unspecified;
    case v1::STDIO_MODE_PIPE:
      return StdioMode::kPipe;
    case v1::STDIO_MODE_NULL:
      return StdioMode::kNull;
    case v1::STDIO_MODE_MERGED:
      return StdioMode::kMerged;  // ValidateCommand knows where
    default:
      return InvalidField(field, absl::StrCat("unknown mode ", static_cast<int>(mode)));
  }
}

v1::StdioMode ToProto(StdioMode mode) {
  switch (mode) {
    case StdioMode::kPipe:
      return v1::STDIO_MODE_PIPE;
    case StdioMode::kNull:
      return v1::STDIO_MODE_NULL;
    case StdioMode::kMerged:
      return v1::STDIO_MODE_MERGED;
  }
  return v1::STDIO_MODE_UNSPECIFIED;
}

absl::Status ReadStdio(const v1::ProcessSpec& spec, Command& command) {
  auto in = StdioModeFromProto(spec.stdin_mode(), StdioMode::kNull, "spec.stdin_mode");
  auto out = StdioModeFromProto(spec.stdout_mode(), StdioMode::kPipe, "spec.stdout_mode");
  auto err = StdioModeFromProto(spec.stderr_mode(), StdioMode::kPipe, "spec.stderr_mode");
  for (const auto* mode : {&in, &out, &err}) {
    if (!mode->ok()) return mode->status();
  }
  command.stdin_mode = *in;
  command.stdout_mode = *out;
  command.stderr_mode = *err;
  return absl::OkStatus();
}

absl::Status ReadRetention(const v1::OutputRetention& retention, OverflowPolicy unspecified,
                           Command& command) {
  if (retention.retain_bytes() != 0) command.retain_bytes = retention.retain_bytes();
  switch (retention.overflow()) {
    case v1::OVERFLOW_POLICY_UNSPECIFIED:
      command.overflow = unspecified;
      return absl::OkStatus();
    case v1::OVERFLOW_POLICY_BLOCK_CHILD:
      command.overflow = OverflowPolicy::kBlockChild;
      return absl::OkStatus();
    case v1::OVERFLOW_POLICY_DROP_OLDEST:
      command.overflow = OverflowPolicy::kDropOldest;
      return absl::OkStatus();
    default:
      return InvalidField("spec.output.overflow", "unknown policy");
  }
}

absl::Status ReadTimes(const v1::ProcessSpec& spec, Command& command) {
  if (spec.has_run_timeout()) {
    auto timeout = FromProto(spec.run_timeout(), "spec.run_timeout", absl::Nanoseconds(1));
    if (!timeout.ok()) return timeout.status();
    command.run_timeout = *timeout;
  }
  if (spec.has_drain_grace()) {
    auto grace = FromProto(spec.drain_grace(), "spec.drain_grace", absl::ZeroDuration());
    if (!grace.ok()) return grace.status();
    command.drain_grace = *grace;
  }
  auto stop = StopPolicyFromProto(spec.stop_policy(), "spec.stop_policy");
  if (!stop.ok()) return stop.status();
  command.stop_policy = *stop;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Command> CommandFromProto(const v1::ProcessSpec& spec, OverflowPolicy overflow) {
  Command command;
  if (absl::Status status = RefuseUnserved(spec); !status.ok()) return status;
  command.argv.assign(spec.argv().begin(), spec.argv().end());
  command.cwd = spec.cwd();
  command.env.insert(spec.env().begin(), spec.env().end());
  if (!v1::EnvironmentBase_IsValid(spec.env_base())) {
    return InvalidField("spec.env_base", "unknown base");
  }
  command.inherit_env = spec.env_base() != v1::ENVIRONMENT_BASE_CLEAR;
  if (absl::Status status = ReadStdio(spec, command); !status.ok()) return status;
  if (spec.has_umask()) command.umask = spec.umask();
  if (absl::Status status = ReadTimes(spec, command); !status.ok()) return status;
  if (absl::Status status = ReadRetention(spec.output(), overflow, command); !status.ok()) {
    return status;
  }
  command.labels.insert(spec.labels().begin(), spec.labels().end());
  if (absl::Status status = ValidateCommand(command); !status.ok()) return status;
  return command;
}

v1::ProcessSpec ToProto(const Command& command) {
  v1::ProcessSpec spec;
  for (const std::string& argument : command.argv) spec.add_argv(argument);
  spec.set_cwd(command.cwd);
  for (const auto& [name, value] : command.env) (*spec.mutable_env())[name] = "";
  spec.set_env_base(command.inherit_env ? v1::ENVIRONMENT_BASE_INHERIT
                                        : v1::ENVIRONMENT_BASE_CLEAR);
  spec.set_stdin_mode(ToProto(command.stdin_mode));
  spec.set_stdout_mode(ToProto(command.stdout_mode));
  spec.set_stderr_mode(ToProto(command.stderr_mode));
  if (command.umask.has_value()) spec.set_umask(*command.umask);
  if (command.run_timeout != absl::InfiniteDuration()) {
    *spec.mutable_run_timeout() = ToProto(command.run_timeout);
  }
  auto* stop = spec.mutable_stop_policy();
  stop->set_signal(SignalName(command.stop_policy.signal));
  *stop->mutable_grace() = ToProto(command.stop_policy.grace);
  stop->set_scope(ToProto(command.stop_policy.scope));
  spec.mutable_output()->set_retain_bytes(command.retain_bytes);
  spec.mutable_output()->set_overflow(command.overflow == OverflowPolicy::kBlockChild
                                          ? v1::OVERFLOW_POLICY_BLOCK_CHILD
                                          : v1::OVERFLOW_POLICY_DROP_OLDEST);
  *spec.mutable_drain_grace() = ToProto(command.drain_grace);
  spec.mutable_labels()->insert(command.labels.begin(), command.labels.end());
  return spec;
}

absl::StatusOr<SignalScope> ScopeFromProto(v1::SignalScope scope, SignalScope unspecified,
                                           std::string_view field) {
  switch (scope) {
    case v1::SIGNAL_SCOPE_UNSPECIFIED:
      return unspecified;
    case v1::SIGNAL_SCOPE_LEADER:
      return SignalScope::kLeader;
    case v1::SIGNAL_SCOPE_GROUP:
      return SignalScope::kGroup;
    case v1::SIGNAL_SCOPE_TREE:
      return NotImplemented("field", absl::StrCat(std::string(field), ": TREE"));
    default:
      return InvalidField(field, absl::StrCat("unknown scope ", static_cast<int>(scope)));
  }
}

v1::SignalScope ToProto(SignalScope scope) {
  switch (scope) {
    case SignalScope::kLeader:
      return v1::SIGNAL_SCOPE_LEADER;
    case SignalScope::kGroup:
      return v1::SIGNAL_SCOPE_GROUP;
    case SignalScope::kTree:
      return v1::SIGNAL_SCOPE_TREE;
  }
  return v1::SIGNAL_SCOPE_UNSPECIFIED;
}

absl::StatusOr<int> SignalFromProto(const std::string& signal, std::string_view field) {
  auto number = ParseSignal(signal);
  if (number.has_value()) return *number;
  return InvalidField(field, absl::StrCat("unknown signal '", signal, "'"));
}

absl::StatusOr<StopPolicy> StopPolicyFromProto(const v1::StopPolicy& policy,
                                               std::string_view field) {
  const std::string path(field);
  StopPolicy result;
  if (!policy.signal().empty()) {
    auto signal = SignalFromProto(policy.signal(), absl::StrCat(path, ".signal"));
    if (!signal.ok()) return signal.status();
    result.signal = *signal;
  }
  if (policy.has_grace()) {
    auto grace = FromProto(policy.grace(), absl::StrCat(path, ".grace"), absl::ZeroDuration());
    if (!grace.ok()) return grace.status();
    result.grace = *grace;
  }
  auto scope = ScopeFromProto(policy.scope(), result.scope, absl::StrCat(path, ".scope"));
  if (!scope.ok()) return scope.status();
  result.scope = *scope;
  return result;
}

}  // namespace proctor::wire
