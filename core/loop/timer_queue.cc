#include "core/loop/timer_queue.h"

#include <algorithm>
#include <utility>

namespace proctor {
namespace {

constexpr size_t kMinTimersToCompact = 100;  // asyncio's _MIN_SCHEDULED_TIMER_HANDLES

}  // namespace

void TimerQueue::Add(absl::Duration when, std::shared_ptr<State> state) {
  state->cancelled_timers = &cancelled_;
  heap_.push_back({when, next_sequence_++, std::move(state)});
  std::push_heap(heap_.begin(), heap_.end());
}

std::shared_ptr<TimerQueue::State> TimerQueue::Pop() {
  std::pop_heap(heap_.begin(), heap_.end());
  std::shared_ptr<State> state = std::move(heap_.back().state);
  heap_.pop_back();
  state->cancelled_timers = nullptr;
  if (state->cancelled) --cancelled_;
  return state;
}

void TimerQueue::DropCancelled() {
  if (heap_.size() > kMinTimersToCompact && cancelled_ * 2 > heap_.size()) {
    // A cancelled timer has no callback any more: nothing of the user's is destroyed.
    std::erase_if(heap_, [](const Timer& timer) {
      if (timer.state->cancelled) timer.state->cancelled_timers = nullptr;
      return timer.state->cancelled;
    });
    cancelled_ = 0;
    std::make_heap(heap_.begin(), heap_.end());
    return;
  }
  while (!heap_.empty() && heap_.front().state->cancelled) Pop();
}

void TimerQueue::TakeDue(absl::Duration now, absl::FunctionRef<void(std::shared_ptr<State>)> take) {
  while (!heap_.empty() && heap_.front().when <= now) {
    std::shared_ptr<State> state = Pop();
    if (!state->cancelled) take(std::move(state));
  }
}

void TimerQueue::Clear() {
  const std::vector<Timer> dropped = std::exchange(heap_, {});
  cancelled_ = 0;
  for (const Timer& timer : dropped) timer.state->cancelled_timers = nullptr;
  // A callback's end may run code of the user's, which may cancel other timers.
  for (const Timer& timer : dropped) {
    const LoopCallback callback = std::exchange(timer.state->callback, nullptr);
  }
}

}  // namespace proctor
