#include "core/watch/multi_loop_child_watcher.h"

#include <unistd.h>

#include <utility>

#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor {

absl::Status MultiLoopChildWatcher::AddChildHandler(ChildRef child, ChildHandler handler) {
  if (!IsActive() && !children_.closed()) return InactiveError(name(), child.pid);
  return children_.Add(std::move(child), std::move(handler));
}

absl::Status MultiLoopChildWatcher::AttachLoop(std::shared_ptr<EventLoop>) {
  if (::gettid() != ::getpid()) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kNotMainThread,
                     "multiloop: attach: only on the main thread");
  }
  absl::MutexLock lock(&mutex_);
  if (listener_ != nullptr) return absl::OkStatus();
  if (children_.closed()) return WatcherClosedError(name());
  ASSIGN_OR_RETURN(auto listener, SigchldListener::Create([] {}));
  listener_ = std::move(listener);
  return absl::OkStatus();
}

bool MultiLoopChildWatcher::IsActive() const {
  absl::MutexLock lock(&mutex_);
  return listener_ != nullptr;
}

void MultiLoopChildWatcher::Close() {
  children_.Close();
  std::unique_ptr<SigchldListener> listener;
  absl::MutexLock lock(&mutex_);
  listener.swap(listener_);
}

}  // namespace proctor
