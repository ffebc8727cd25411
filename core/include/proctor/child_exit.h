#pragma once

#include <sys/types.h>

#include "absl/functional/any_invocable.h"
#include "proctor/exit_status.h"

namespace proctor {

// A watcher's report on an ended child.
struct ChildExit {
  pid_t pid = 0;
  WaitStatus status;

  int returncode() const { return status.returncode(); }
};

// Told once of a child's end, on the loop that was running when the handler was
// added. The child is still a zombie then, so that an exit can be recorded
// before it is gone; the watcher reaps it when the handler returns.
using ChildHandler = absl::AnyInvocable<void(const ChildExit&)>;

}  // namespace proctor
