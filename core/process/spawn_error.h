#pragma once

#include "absl/status/status.h"
#include "core/process/command.h"
#include "core/process/spawn_plan.h"

namespace proctor {

// The steps of a spawn, in their order; the word in an error's metadata.
enum class SpawnStage {
  kPipe,      // pipes and /dev/null
  kTerminal,  // also the child's taking it
  kCgroup,
  kClone,
  kSetsid,
  kNice,
  kUmask,
  kDup2,
  kLimit,
  kIdentity,
  kChdir,
  kPrivileges,
  kExec,
};

// Makes the error of a spawn that failed at `stage` with errno `error`, as
// Launch's comment lists them; `detail` is the number of the limit at kLimit. Pure but
// for a look at the file system, to tell a missing program from a script whose
// interpreter is missing.
absl::Status SpawnError(const SpawnPlan& plan, SpawnStage stage, int error, int detail = 0);

// As above before there is a plan, for the pipes and the terminal.
absl::Status StdioError(const Command& command, SpawnStage stage, int error);

}  // namespace proctor
