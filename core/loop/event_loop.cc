#include "proctor/event_loop.h"

#include <utility>

#include "proctor/error.h"

namespace proctor {
namespace {

// Not owned: the caller of Run holds the loop.
thread_local EventLoop* running_loop = nullptr;

}  // namespace

void LoopHandle::Cancel() {
  if (state_ == nullptr || state_->cancelled) return;
  // The callback may own this very handle: what is destroyed last is named first.
  const std::shared_ptr<State> state = state_;
  state->cancelled = true;
  if (state->cancelled_timers != nullptr) ++*state->cancelled_timers;
  const LoopCallback dropped = std::exchange(state->callback, nullptr);
}

absl::StatusOr<std::shared_ptr<EventLoop>> GetRunningLoop() {
  if (running_loop == nullptr) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kNoRunningLoop,
                     "no event loop runs on this thread");
  }
  return running_loop->shared_from_this();
}

RunningLoopMark::RunningLoopMark(EventLoop* loop) { running_loop = loop; }

RunningLoopMark::~RunningLoopMark() { running_loop = nullptr; }

}  // namespace proctor
