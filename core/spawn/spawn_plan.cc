#include "core/spawn/spawn_plan.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "core/self/descriptor_limit.h"
#include "core/self/oom_score.h"
#include "core/spawn/child_environment.h"
#include "core/spawn/executable_search.h"
#include "core/spawn/spawn_fence.h"

namespace proctor {
namespace {

std::vector<SpawnLimit> LimitsOf(const Command& command, uint64_t mark) {
  std::vector<SpawnLimit> limits;
  for (const ResourceLimit& limit : command.rlimits) {
    limits.push_back({*ResourceNumber(limit.resource), limit.soft.value_or(RLIM_INFINITY),
                      limit.hard.value_or(RLIM_INFINITY)});
  }
  if (mark != 0) limits.push_back({RLIMIT_LOCKS, mark, mark});
  const auto before = DescriptorLimit::Before();
  const bool named =
      std::any_of(command.rlimits.begin(), command.rlimits.end(),
                  [](const ResourceLimit& limit) { return limit.resource == "nofile"; });
  rlimit own = {};
  if (before.has_value() && !named && ::getrlimit(RLIMIT_NOFILE, &own) == 0) {
    limits.push_back({RLIMIT_NOFILE, std::min<uint64_t>(*before, own.rlim_max), own.rlim_max});
  }
  return limits;
}

// Whether this process has just these groups: then they need not be set, which takes a
// privilege even where nothing changes.
bool HasGroups(const std::vector<gid_t>& groups) {
  std::vector<gid_t> own(static_cast<size_t>(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(static_cast<int>(own.size()), own.data());
  own.resize(static_cast<size_t>(std::max(count, 0)));
  std::sort(own.begin(), own.end());
  own.erase(std::unique(own.begin(), own.end()), own.end());
  return own == groups;
}

}  // namespace

SpawnPlan::SpawnPlan(const Command& command, const Identity& identity,
                     const std::array<int, 3>& stdio, const TreePlace& place)
    : command_(command),
      place_(place),
      cwd_(WorkingDirectoryOf(command)),
      oom_score_adj_(OomScoreToWrite(command.oom_score_adj)),
      limits_(LimitsOf(command, place.mark)),
      groups_(identity.groups) {
  const auto environment = EnvironmentOf(command, identity);
  environment_.reserve(environment.size());
  for (const auto& [name, value] : environment) {
    environment_.push_back(absl::StrCat(name, "=", value));
  }
  std::optional<std::string_view> path;
  if (auto found = environment.find("PATH"); found != environment.end()) path = found->second;
  candidates_ = ExecutableCandidates(command.argv.at(0), path);

  // execve(2) takes pointers to char that is not const, and changes nothing.
  for (const auto& argument : command.argv) argv_.push_back(const_cast<char*>(argument.c_str()));
  argv_.push_back(nullptr);
  for (auto& variable : environment_) envp_.push_back(variable.data());
  envp_.push_back(nullptr);
  for (const auto& candidate : candidates_) candidate_paths_.push_back(candidate.c_str());
  candidate_paths_.push_back(nullptr);

  request_.candidates = candidate_paths_.data();
  request_.argv = argv_.data();
  request_.envp = envp_.data();
  request_.cwd = cwd_.empty() ? nullptr : cwd_.c_str();
  request_.umask = command.umask.has_value() ? static_cast<int>(*command.umask) : -1;
  request_.nice = command.nice;
  request_.oom_score_adj = oom_score_adj_.empty() ? nullptr : oom_score_adj_.c_str();
  request_.oom_score_adj_asked = command.oom_score_adj.has_value();
  std::copy(stdio.begin(), stdio.end(), request_.stdio);
  request_.terminal = command.terminal.has_value();
  request_.limits = limits_.data();
  request_.limit_count = limits_.size();
  request_.sets_user = identity.changes;
  request_.sets_groups = identity.changes && !HasGroups(groups_);
  request_.uid = identity.uid;
  request_.gid = identity.gid;
  request_.groups = groups_.data();
  request_.group_count = groups_.size();
  request_.no_new_privileges = !command.user.allow_new_privileges;
  request_.fence = SpawnFence::Get();
  request_.cgroup_procs = -1;
}

bool SpawnPlan::MoveByItself() {
  if (place_.cgroup < 0) return true;
  const UniqueFd opened(::openat(place_.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
  if (!opened) return false;
  cgroup_procs_.Reset(::fcntl(opened.get(), F_DUPFD_CLOEXEC, kFirstUnkeptDescriptor));
  request_.cgroup_procs = cgroup_procs_.get();
  return static_cast<bool>(cgroup_procs_);
}

}  // namespace proctor
