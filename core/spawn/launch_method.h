#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/spawn/tree_place.h"
#include "proctor/command.h"
#include "proctor/launcher.h"

namespace proctor {

// Launch for the core itself: with a place for the process's tree, and with a say in how.
//
// Thread-safety: any thread.

// How processes are spawned.
enum class LaunchMethod {
  kClone3,  // clone3 with CLONE_VM, CLONE_VFORK, CLONE_PIDFD, CLONE_INTO_CGROUP
  kClone,   // clone, where clone3 is refused (old kernels, seccomp): the child moves itself
};

// As Launch, with the child in its place from its first instruction on. Errors: as Launch.
absl::StatusOr<LaunchedProcess> LaunchInto(const TreePlace& place, const Command& command);

// As Launch by a given method, for tests. Errors: as Launch; Unimplemented if the kernel refuses
// the method.
absl::StatusOr<LaunchedProcess> LaunchBy(LaunchMethod method, const Command& command,
                                         const TreePlace& place = {});

// The mechanisms of Launch on this machine. Also makes what all spawns of this process share: a
// thread and a descriptor (NewbornGuard).
struct LauncherInfo {
  LaunchMethod method;
  std::string reason;  // why not clone3; empty with clone3
};
LauncherInfo ProbeLauncher();

}  // namespace proctor
