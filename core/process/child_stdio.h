#pragma once

#include <array>

#include "absl/status/statusor.h"
#include "core/base/unique_fd.h"
#include "core/process/command.h"

namespace proctor {

// The two sides of a new process's standard streams. Every descriptor is
// close-on-exec and at least 3, so that dup2(2) in the child never meets its own
// target; only the server's are non-blocking, because the flag of the child's
// would surprise the program.
struct ChildStdio {
  std::array<UniqueFd, 3> server;  // empty where there is no pipe
  std::array<UniqueFd, 3> child;   // the third is empty where stderr is merged

  // What becomes 0, 1 and 2 of the child. Stays owned.
  std::array<int, 3> ForChild() const {
    return {child[0].get(), child[1].get(), child[2] ? child[2].get() : child[1].get()};
  }
};

// Opens pipes and /dev/null as the command asks. Safe from any thread.
// Errors: those of Launch, with the stage "pipe".
absl::StatusOr<ChildStdio> OpenChildStdio(const Command& command);

}  // namespace proctor
