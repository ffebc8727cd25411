#pragma once

#include <array>

#include "absl/status/statusor.h"
#include "proctor/command.h"
#include "proctor/unique_fd.h"

namespace proctor {

// The two sides of a new process's standard streams. Every descriptor is
// close-on-exec and at least 3, so that dup2(2) in the child never meets its own
// target; only the server's are non-blocking, because the flag of the child's
// would surprise the program.
struct ChildStdio {
  std::array<UniqueFd, 3> server;  // empty where there is no pipe
  std::array<UniqueFd, 3> child;   // empty: as the one before (a terminal, a merged stderr)

  // The descriptors that become 0, 1 and 2 of the child. Stay owned.
  std::array<int, 3> ForChild() const {
    const int first = child[0].get();
    const int second = child[1] ? child[1].get() : first;
    return {first, second, child[2] ? child[2].get() : second};
  }
};

// Opens pipes and /dev/null, or a terminal, as the command asks. Pipes and terminal belong to
// `identity`.
// Safe from any thread.
// Errors: those of Launch, with the stage "pipe", "terminal" or "identity".
absl::StatusOr<ChildStdio> OpenChildStdio(const Command& command, const Identity& identity);

}  // namespace proctor
