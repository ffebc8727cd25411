#include "core/process/launcher.h"

#include <utility>

#include "core/process/child_stdio.h"
#include "core/process/clone3_spawn.h"
#include "core/process/posix_spawn.h"
#include "core/process/spawn_plan.h"

namespace proctor {
namespace {

LauncherInfo Probe() {
  absl::Status clone3 = ProbeClone3();
  if (clone3.ok()) return {LaunchMethod::kClone3, ""};
  return {LaunchMethod::kPosixSpawn, std::string(clone3.message())};
}

}  // namespace

absl::StatusOr<LaunchedProcess> Launch(const Command& command) {
  if (ProbeLauncher().method == LaunchMethod::kClone3) {
    auto launched = LaunchBy(LaunchMethod::kClone3, command);
    // Only a seccomp filter that came after the probe makes a difference here.
    if (!absl::IsUnimplemented(launched.status())) return launched;
  }
  return LaunchBy(LaunchMethod::kPosixSpawn, command);
}

absl::StatusOr<LaunchedProcess> LaunchBy(LaunchMethod method, const Command& command) {
  auto stdio = OpenChildStdio(command);
  if (!stdio.ok()) return stdio.status();
  const SpawnPlan plan(command, stdio->ForChild());
  auto child = method == LaunchMethod::kClone3 ? Clone3Spawn(plan) : PosixSpawn(plan);
  if (!child.ok()) return child.status();

  LaunchedProcess launched;
  launched.pid = child->pid;
  launched.pidfd = std::move(child->pidfd);
  launched.stdin_pipe = std::move(stdio->server[0]);
  launched.stdout_pipe = std::move(stdio->server[1]);
  launched.stderr_pipe = std::move(stdio->server[2]);
  return launched;
}

LauncherInfo ProbeLauncher() {
  static const auto* const info = new LauncherInfo(Probe());
  return *info;
}

}  // namespace proctor
