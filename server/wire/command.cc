#include "server/wire/command.h"

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/base/signal_name.h"
#include "proctor/error.h"
#include "server/wire/field.h"
#include "server/wire/time.h"

namespace proctor::wire {
namespace {

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

v1::StdioMode StdioModeToProto(StdioMode mode) {
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

absl::StatusOr<EnvironmentBase> EnvironmentBaseFromProto(v1::EnvironmentBase base) {
  switch (base) {
    case v1::ENVIRONMENT_BASE_UNSPECIFIED:
      return EnvironmentBase::kDefault;
    case v1::ENVIRONMENT_BASE_INHERIT:
      return EnvironmentBase::kInherit;
    case v1::ENVIRONMENT_BASE_CLEAR:
      return EnvironmentBase::kClear;
    case v1::ENVIRONMENT_BASE_LOGIN:
      return EnvironmentBase::kLogin;
    default:
      return InvalidField("spec.env_base", "unknown base");
  }
}

v1::EnvironmentBase EnvironmentBaseToProto(EnvironmentBase base) {
  switch (base) {
    case EnvironmentBase::kDefault:
      return v1::ENVIRONMENT_BASE_UNSPECIFIED;
    case EnvironmentBase::kInherit:
      return v1::ENVIRONMENT_BASE_INHERIT;
    case EnvironmentBase::kClear:
      return v1::ENVIRONMENT_BASE_CLEAR;
    case EnvironmentBase::kLogin:
      return v1::ENVIRONMENT_BASE_LOGIN;
  }
  return v1::ENVIRONMENT_BASE_UNSPECIFIED;
}

absl::Status ReadTerminal(const v1::ProcessSpec& spec, Command& command) {
  const struct {
    const char* field;
    v1::StdioMode mode;
  } modes[] = {{"spec.stdin_mode", spec.stdin_mode()},
               {"spec.stdout_mode", spec.stdout_mode()},
               {"spec.stderr_mode", spec.stderr_mode()}};
  for (const auto& [field, mode] : modes) {
    if (mode != v1::STDIO_MODE_UNSPECIFIED) {
      return InvalidField(field, "must be unset with a terminal (spec.pty)");
    }
  }
  TerminalOptions& terminal = command.terminal.emplace();
  if (spec.pty().has_size()) terminal.size = FromProto(spec.pty().size());
  if (!spec.pty().term().empty()) terminal.term = spec.pty().term();
  return absl::OkStatus();
}

absl::Status ReadStdio(const v1::ProcessSpec& spec, Command& command) {
  if (spec.has_pty()) return ReadTerminal(spec, command);
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
    ASSIGN_OR_RETURN(auto timeout,
                     FromProto(spec.run_timeout(), "spec.run_timeout", absl::Nanoseconds(1)));
    command.run_timeout = timeout;
  }
  if (spec.has_idle_timeout()) {
    ASSIGN_OR_RETURN(auto timeout,
                     FromProto(spec.idle_timeout(), "spec.idle_timeout", absl::Nanoseconds(1)));
    command.idle_timeout = timeout;
  }
  if (spec.has_drain_grace()) {
    ASSIGN_OR_RETURN(auto grace,
                     FromProto(spec.drain_grace(), "spec.drain_grace", absl::ZeroDuration()));
    command.drain_grace = grace;
  }
  ASSIGN_OR_RETURN(auto stop, StopPolicyFromProto(spec.stop_policy(), "spec.stop_policy"));
  command.stop_policy = stop;
  return absl::OkStatus();
}

void ReadUser(const v1::ProcessUser& user, Command& command) {
  command.user.user = user.user();
  command.user.group = user.group();
  command.user.supplementary_groups.assign(user.supplementary_groups().begin(),
                                           user.supplementary_groups().end());
  command.user.allow_new_privileges = user.allow_new_privileges();
}

void ReadLimits(const v1::ProcessSpec& spec, Command& command) {
  if (spec.has_umask()) command.umask = spec.umask();
  command.nice = spec.nice();
  if (spec.has_oom_score_adj()) command.oom_score_adj = spec.oom_score_adj();
  for (const v1::ResourceLimit& limit : spec.rlimits()) {
    ResourceLimit& rlimit = command.rlimits.emplace_back();
    rlimit.resource = limit.resource();
    if (limit.has_soft()) rlimit.soft = limit.soft();
    if (limit.has_hard()) rlimit.hard = limit.hard();
  }
  const v1::CgroupLimits& cgroup = spec.cgroup();
  command.cgroup.memory_bytes = cgroup.memory_bytes();
  command.cgroup.cpus = cgroup.cpus();
  command.cgroup.pids = cgroup.pids();
  if (cgroup.has_swap_bytes()) command.cgroup.swap_bytes = cgroup.swap_bytes();
  command.cgroup.io_weight = cgroup.io_weight();
}

// Writes only the fields that the command sets.
void WriteUserAndLimits(const Command& command, v1::ProcessSpec& spec) {
  if (command.user != ProcessUser{}) {
    v1::ProcessUser* user = spec.mutable_user();
    user->set_user(command.user.user);
    user->set_group(command.user.group);
    for (const std::string& group : command.user.supplementary_groups) {
      user->add_supplementary_groups(group);
    }
    user->set_allow_new_privileges(command.user.allow_new_privileges);
  }
  if (command.umask.has_value()) spec.set_umask(*command.umask);
  if (command.nice != 0) spec.set_nice(command.nice);
  if (command.oom_score_adj.has_value()) spec.set_oom_score_adj(*command.oom_score_adj);
  for (const ResourceLimit& limit : command.rlimits) {
    v1::ResourceLimit* rlimit = spec.add_rlimits();
    rlimit->set_resource(limit.resource);
    if (limit.soft.has_value()) rlimit->set_soft(*limit.soft);
    if (limit.hard.has_value()) rlimit->set_hard(*limit.hard);
  }
  if (!command.cgroup.any()) return;
  v1::CgroupLimits* cgroup = spec.mutable_cgroup();
  cgroup->set_memory_bytes(command.cgroup.memory_bytes);
  cgroup->set_cpus(command.cgroup.cpus);
  cgroup->set_pids(command.cgroup.pids);
  if (command.cgroup.swap_bytes.has_value()) cgroup->set_swap_bytes(*command.cgroup.swap_bytes);
  cgroup->set_io_weight(command.cgroup.io_weight);
}

void WriteStdio(const Command& command, v1::ProcessSpec& spec) {
  if (!command.terminal.has_value()) {
    spec.set_stdin_mode(StdioModeToProto(command.stdin_mode));
    spec.set_stdout_mode(StdioModeToProto(command.stdout_mode));
    spec.set_stderr_mode(StdioModeToProto(command.stderr_mode));
    return;
  }
  const TerminalSize& size = command.terminal->size;
  v1::Pty* pty = spec.mutable_pty();
  pty->set_term(command.terminal->term);
  pty->mutable_size()->set_rows(size.rows);
  pty->mutable_size()->set_columns(size.columns);
  pty->mutable_size()->set_width_pixels(size.width_pixels);
  pty->mutable_size()->set_height_pixels(size.height_pixels);
}

}  // namespace

TerminalSize FromProto(const v1::TerminalSize& size) {
  return {size.rows(), size.columns(), size.width_pixels(), size.height_pixels()};
}

absl::StatusOr<Command> CommandFromProto(const v1::ProcessSpec& spec, OverflowPolicy overflow) {
  Command command;
  command.argv.assign(spec.argv().begin(), spec.argv().end());
  command.cwd = spec.cwd();
  command.env.insert(spec.env().begin(), spec.env().end());
  ASSIGN_OR_RETURN(auto base, EnvironmentBaseFromProto(spec.env_base()));
  command.env_base = base;
  RETURN_IF_ERROR(ReadStdio(spec, command));
  ReadUser(spec.user(), command);
  ReadLimits(spec, command);
  RETURN_IF_ERROR(ReadTimes(spec, command));
  RETURN_IF_ERROR(ReadRetention(spec.output(), overflow, command));
  command.labels.insert(spec.labels().begin(), spec.labels().end());
  command.name = spec.name();
  RETURN_IF_ERROR(InSpec(ValidateCommand(command)));
  return command;
}

v1::ProcessSpec ToProto(const Command& command) {
  v1::ProcessSpec spec = ToProtoWithoutStrings(command);
  AddStrings(command, &spec);
  return spec;
}

void AddStrings(const Command& command, v1::ProcessSpec* spec) {
  for (const std::string& argument : command.argv) spec->add_argv(argument);
  for (const auto& [name, value] : command.env) (*spec->mutable_env())[name] = "";
}

v1::ProcessSpec ToProtoWithoutStrings(const Command& command) {
  v1::ProcessSpec spec;
  spec.set_cwd(command.cwd);
  spec.set_env_base(EnvironmentBaseToProto(command.env_base));
  WriteStdio(command, spec);
  WriteUserAndLimits(command, spec);
  if (command.run_timeout != absl::InfiniteDuration()) {
    *spec.mutable_run_timeout() = ToProto(command.run_timeout);
  }
  if (command.idle_timeout != absl::InfiniteDuration()) {
    *spec.mutable_idle_timeout() = ToProto(command.idle_timeout);
  }
  auto* stop = spec.mutable_stop_policy();
  stop->set_signal(SignalName(command.stop_policy.signal));
  *stop->mutable_grace() = ToProto(command.stop_policy.grace);
  stop->set_scope(ToProto(command.stop_policy.scope));
  spec.mutable_output()->set_retain_bytes(command.retain_bytes);
  spec.mutable_output()->set_overflow(ToProto(command.overflow));
  *spec.mutable_drain_grace() = ToProto(command.drain_grace);
  spec.mutable_labels()->insert(command.labels.begin(), command.labels.end());
  spec.set_name(command.name);
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
      return SignalScope::kTree;
    default:
      return InvalidField(field, absl::StrCat("unknown scope ", static_cast<int>(scope)));
  }
}

absl::StatusOr<DisconnectPolicy> DisconnectFromProto(v1::DisconnectPolicy policy, bool has_terminal,
                                                     std::string_view field) {
  switch (policy) {
    case v1::DISCONNECT_POLICY_UNSPECIFIED:
      return has_terminal ? DisconnectPolicy::kStop : DisconnectPolicy::kKill;
    case v1::DISCONNECT_POLICY_KILL:
      return DisconnectPolicy::kKill;
    case v1::DISCONNECT_POLICY_KEEP:
      return DisconnectPolicy::kKeep;
    case v1::DISCONNECT_POLICY_STOP:
      return DisconnectPolicy::kStop;
    default:
      return InvalidField(field, absl::StrCat("unknown policy ", static_cast<int>(policy)));
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

v1::OverflowPolicy ToProto(OverflowPolicy overflow) {
  return overflow == OverflowPolicy::kBlockChild ? v1::OVERFLOW_POLICY_BLOCK_CHILD
                                                 : v1::OVERFLOW_POLICY_DROP_OLDEST;
}

absl::StatusOr<int> SignalFromProto(const std::string& signal, std::string_view field) {
  auto number = ParseSignal(signal);
  if (number.has_value()) return *number;
  return InvalidField(field, absl::StrCat("unknown signal '", signal, "'"));
}

absl::StatusOr<StopOverride> StopOverrideFromProto(const v1::StopPolicy& policy,
                                                   std::string_view field) {
  const std::string path(field);
  StopOverride result;
  if (!policy.signal().empty()) {
    ASSIGN_OR_RETURN(auto signal, SignalFromProto(policy.signal(), absl::StrCat(path, ".signal")));
    result.signal = signal;
  }
  if (policy.has_grace()) {
    ASSIGN_OR_RETURN(auto grace,
                     FromProto(policy.grace(), absl::StrCat(path, ".grace"), absl::ZeroDuration()));
    result.grace = grace;
  }
  if (policy.scope() != v1::SIGNAL_SCOPE_UNSPECIFIED) {
    ASSIGN_OR_RETURN(auto scope, ScopeFromProto(policy.scope(), SignalScope::kGroup,
                                                absl::StrCat(path, ".scope")));
    result.scope = scope;
  }
  return result;
}

absl::StatusOr<StopPolicy> StopPolicyFromProto(const v1::StopPolicy& policy,
                                               std::string_view field) {
  ASSIGN_OR_RETURN(auto given, StopOverrideFromProto(policy, field));
  return given.Over(StopPolicy{});
}

}  // namespace proctor::wire
