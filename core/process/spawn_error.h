#pragma once

#include "absl/status/status.h"
#include "core/process/command.h"
#include "core/process/spawn_plan.h"

namespace proctor {

// The steps of a spawn, in their order; the word in an error's metadata.
enum class SpawnStage { kPipe, kClone, kSetsid, kUmask, kChdir, kDup2, kExec };

// Makes the error of a spawn that failed at `stage` with errno `error`, as
// Launch's comment lists them. Pure but for a look at the file system, to tell a
// missing program from a script whose interpreter is missing.
absl::Status SpawnError(const SpawnPlan& plan, SpawnStage stage, int error);

// As above before there is a plan, for the pipes.
absl::Status PipeError(const Command& command, int error);

}  // namespace proctor
