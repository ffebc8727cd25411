#pragma once

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/spawn/spawn_plan.h"
#include "proctor/command.h"

namespace proctor {

// The steps of a spawn, in their order; the word in an error's metadata.
enum class SpawnStage {
  kPipe,  // pipes and /dev/null
  kClone,
  kDup2,
  kClose,
  kCgroup,
  kSetsid,
  kNice,
  kOomScore,
  kUmask,
  kTerminal,  // also its making, before the clone
  kLimit,
  kPrivileges,  // and signals
  kChdir,
  kIdentity,
  kExec,
};

// Makes the error of a spawn that failed at `stage` with errno `error`, as listed at Launch;
// `detail` is the number of the limit at kLimit. `field` is the member of Command: "rlimits[0]".
// Pure but for a look at the file system, to tell a missing program from a script with a missing
// interpreter.
absl::Status SpawnError(const SpawnPlan& plan, SpawnStage stage, int error, int detail = 0);

// Makes the error of a spawn that the guard of newborns ended at `stage` after `timeout`: Aborted
// (SPAWN_TIMEOUT). `stopped` says that the child had been stopped.
absl::Status SpawnTimeoutError(const SpawnPlan& plan, SpawnStage stage, bool stopped,
                               absl::Duration timeout);

// The error that a child may not become another user, or not give it what it needs.
absl::Status IdentityError(uid_t uid, gid_t gid, int error);

// As above before there is a plan, for the pipes and the terminal.
absl::Status StdioError(const Command& command, SpawnStage stage, int error);

}  // namespace proctor
