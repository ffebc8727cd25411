#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/spawn/spawn_plan.h"
#include "proctor/child_ref.h"

namespace proctor {

// Spawn by clone3(2), and by clone(2) for want of clone3 (kernels before 5.5, the seccomp filters
// of many containers). Safe from any thread; block it until the child's exec, or until the
// NewbornGuard has killed it. Errors: those of Launch; Unimplemented (LAUNCH_METHOD_UNAVAILABLE)
// where the kernel or a seccomp filter does not offer it, with nothing done.
absl::StatusOr<ChildRef> Clone3Spawn(const SpawnPlan& plan);
absl::StatusOr<ChildRef> CloneSpawn(SpawnPlan& plan);

// Whether Clone3Spawn works here, by making a child that ends at once; in the control group
// of this open directory, unless it is -1.
// Errors: Unimplemented, with the reason as its message; what cgroups(7) says of the group;
// Aborted (SPAWN_TIMEOUT) where that is frozen.
absl::Status ProbeClone3(int cgroup);

}  // namespace proctor
