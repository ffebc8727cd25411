#pragma once

#include "absl/status/statusor.h"
#include "core/process/clone3_spawn.h"
#include "core/process/spawn_plan.h"

namespace proctor {

// Spawns by posix_spawn(3), for where clone3 is refused. It cannot set a umask,
// and says errno but not the step that failed: the stage of an error is inferred.
// Safe from any thread; blocks it until the child's exec.
// Errors: those of Launch; FailedPrecondition (LIMIT_UNAVAILABLE) with a umask.
absl::StatusOr<SpawnedChild> PosixSpawn(const SpawnPlan& plan);

}  // namespace proctor
