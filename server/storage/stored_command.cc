#include "server/storage/stored_command.h"

#include <string>

#include "core/base/signal_name.h"
#include "server/storage/stored_value.h"

namespace proctor::storage {
namespace {

EnvironmentBase BaseOf(v1::EnvironmentBase stored) {
  switch (stored) {
    case v1::ENVIRONMENT_BASE_INHERIT:
      return EnvironmentBase::kInherit;
    case v1::ENVIRONMENT_BASE_CLEAR:
      return EnvironmentBase::kClear;
    case v1::ENVIRONMENT_BASE_LOGIN:
      return EnvironmentBase::kLogin;
    default:
      return EnvironmentBase::kDefault;
  }
}

StdioMode ModeOf(v1::StdioMode stored, StdioMode unknown) {
  switch (stored) {
    case v1::STDIO_MODE_PIPE:
      return StdioMode::kPipe;
    case v1::STDIO_MODE_NULL:
      return StdioMode::kNull;
    case v1::STDIO_MODE_MERGED:
      return StdioMode::kMerged;
    default:
      return unknown;
  }
}

void ReadStdio(const v1::ProcessSpec& stored, Command& command) {
  if (!stored.has_pty()) {
    command.stdin_mode = ModeOf(stored.stdin_mode(), StdioMode::kNull);
    command.stdout_mode = ModeOf(stored.stdout_mode(), StdioMode::kPipe);
    command.stderr_mode = ModeOf(stored.stderr_mode(), StdioMode::kPipe);
    return;
  }
  TerminalOptions& terminal = command.terminal.emplace();
  if (!stored.pty().term().empty()) terminal.term = stored.pty().term();
  if (!stored.pty().has_size()) return;
  const v1::TerminalSize& size = stored.pty().size();
  terminal.size = {size.rows(), size.columns(), size.width_pixels(), size.height_pixels()};
}

void ReadUser(const v1::ProcessUser& stored, ProcessUser& user) {
  user.user = stored.user();
  user.group = stored.group();
  user.supplementary_groups.assign(stored.supplementary_groups().begin(),
                                   stored.supplementary_groups().end());
  user.allow_new_privileges = stored.allow_new_privileges();
}

void ReadLimits(const v1::ProcessSpec& stored, Command& command) {
  if (stored.has_umask()) command.umask = stored.umask();
  command.nice = stored.nice();
  if (stored.has_oom_score_adj()) command.oom_score_adj = stored.oom_score_adj();
  for (const v1::ResourceLimit& entry : stored.rlimits()) {
    ResourceLimit& limit = command.rlimits.emplace_back();
    limit.resource = entry.resource();
    if (entry.has_soft()) limit.soft = entry.soft();
    if (entry.has_hard()) limit.hard = entry.hard();
  }
  const v1::CgroupLimits& cgroup = stored.cgroup();
  command.cgroup.memory_bytes = cgroup.memory_bytes();
  command.cgroup.cpus = cgroup.cpus();
  command.cgroup.pids = cgroup.pids();
  if (cgroup.has_swap_bytes()) command.cgroup.swap_bytes = cgroup.swap_bytes();
  command.cgroup.io_weight = cgroup.io_weight();
}

void ReadTimes(const v1::ProcessSpec& stored, Command& command) {
  if (stored.has_run_timeout()) command.run_timeout = DurationOf(stored.run_timeout());
  if (stored.has_idle_timeout()) command.idle_timeout = DurationOf(stored.idle_timeout());
  if (stored.has_drain_grace()) command.drain_grace = DurationOf(stored.drain_grace());
  const v1::StopPolicy& stop = stored.stop_policy();
  StopPolicy& policy = command.stop_policy;
  policy.signal = ParseSignal(stop.signal()).value_or(policy.signal);
  if (stop.has_grace()) policy.grace = DurationOf(stop.grace());
  policy.scope = ScopeOf(stop.scope(), policy.scope);
}

}  // namespace

OverflowPolicy OverflowOf(v1::OverflowPolicy stored) {
  return stored == v1::OVERFLOW_POLICY_BLOCK_CHILD ? OverflowPolicy::kBlockChild
                                                   : OverflowPolicy::kDropOldest;
}

SignalScope ScopeOf(v1::SignalScope stored, SignalScope unknown) {
  switch (stored) {
    case v1::SIGNAL_SCOPE_LEADER:
      return SignalScope::kLeader;
    case v1::SIGNAL_SCOPE_GROUP:
      return SignalScope::kGroup;
    case v1::SIGNAL_SCOPE_TREE:
      return SignalScope::kTree;
    default:
      return unknown;
  }
}

Command CommandOf(const v1::ProcessSpec& stored) {
  Command command;
  command.argv.assign(stored.argv().begin(), stored.argv().end());
  command.cwd = stored.cwd();
  command.env.insert(stored.env().begin(), stored.env().end());
  command.env_base = BaseOf(stored.env_base());
  ReadStdio(stored, command);
  ReadUser(stored.user(), command.user);
  ReadLimits(stored, command);
  ReadTimes(stored, command);
  // No request can have zero: it stands for the default.
  if (stored.output().retain_bytes() != 0) command.retain_bytes = stored.output().retain_bytes();
  command.overflow = OverflowOf(stored.output().overflow());
  command.labels = LabelsOf(stored.labels());
  command.name = stored.name();
  return command;
}

}  // namespace proctor::storage
