#include "proctor/launcher.h"

#include <unistd.h>

#include <utility>

#include "core/base/return_if_error.h"
#include "core/spawn/child_stdio.h"
#include "core/spawn/clone_spawn.h"
#include "core/spawn/launch_method.h"
#include "core/spawn/newborn_guard.h"
#include "core/spawn/spawn_plan.h"
#include "proctor/error.h"

namespace proctor {
namespace {

LauncherInfo Probe() {
  absl::Status clone3 = ProbeClone3(/*cgroup=*/-1);
  if (clone3.ok()) return {LaunchMethod::kClone3, ""};
  return {LaunchMethod::kClone, std::string(clone3.message())};
}

}  // namespace

absl::StatusOr<LaunchedProcess> Launch(const Command& command) { return LaunchInto({}, command); }

absl::StatusOr<LaunchedProcess> LaunchInto(const TreePlace& place, const Command& command) {
  if (ProbeLauncher().method == LaunchMethod::kClone3) {
    auto launched = LaunchBy(LaunchMethod::kClone3, command, place);
    // A kernel without CLONE_INTO_CGROUP (before 5.7), or a seccomp filter that came after
    // the probe.
    if (!absl::IsUnimplemented(launched.status())) return launched;
  }
  return LaunchBy(LaunchMethod::kClone, command, place);
}

absl::StatusOr<LaunchedProcess> LaunchBy(LaunchMethod method, const Command& command,
                                         const TreePlace& place) {
  const absl::StatusOr<Identity> resolved = ResolveIdentity(command.user);
  if (!resolved.ok()) return InMember("user", resolved.status());
  const Identity& identity = *resolved;
  ASSIGN_OR_RETURN(auto stdio, OpenChildStdio(command, identity));
  SpawnPlan plan(command, identity, stdio.ForChild(), place);
  ASSIGN_OR_RETURN(auto child,
                   method == LaunchMethod::kClone3 ? Clone3Spawn(plan) : CloneSpawn(plan));

  LaunchedProcess launched;
  launched.child = std::move(child);
  launched.user = identity.changes ? identity.uid : ::geteuid();
  launched.stdin_pipe = std::move(stdio.server[0]);
  launched.stdout_pipe = std::move(stdio.server[1]);
  launched.stderr_pipe = std::move(stdio.server[2]);
  return launched;
}

void SetSpawnTimeout(absl::Duration timeout) {
  // Where it cannot be had now, the first spawn says so.
  if (auto guard = NewbornGuard::Get(); guard.ok()) (*guard)->SetTimeout(timeout);
}

LauncherInfo ProbeLauncher() {
  static const auto* const info = new LauncherInfo(Probe());
  return *info;
}

}  // namespace proctor
