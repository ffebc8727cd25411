#include "proctor/child_watcher.h"

#include <utility>

#include "core/wait/child_wait.h"

namespace proctor {

absl::Status ChildWatcher::AddChildHandler(pid_t pid, ChildHandler handler) {
  return AddChildHandler(OpenChild(pid), std::move(handler));
}

}  // namespace proctor
