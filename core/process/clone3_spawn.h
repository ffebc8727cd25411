#pragma once

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"
#include "core/process/spawn_plan.h"

namespace proctor {

// A child that was spawned.
struct SpawnedChild {
  pid_t pid = 0;
  UniqueFd pidfd;
};

// Spawns by clone3(2). Safe from any thread; blocks it until the child's exec.
// Errors: those of Launch; Unimplemented (LAUNCH_METHOD_UNAVAILABLE) where the
// kernel, a seccomp filter or the processor does not offer it, with nothing done.
absl::StatusOr<SpawnedChild> Clone3Spawn(const SpawnPlan& plan);

// Whether Clone3Spawn works here, by making a child that ends at once.
// Errors: Unimplemented, with the reason as its message.
absl::Status ProbeClone3();

}  // namespace proctor
