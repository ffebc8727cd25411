#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "proctor/event_loop.h"

namespace proctor {

// The timers of a loop: a heap by time, and by the order of the calls where times
// are equal. Cancelled ones cost nothing but their place, and not for long.
//
// Thread-safety: the loop's own thread only. Lifetime: part of a loop; outlived by
// the handles of its timers, which it lets go of in Clear and at its end.
class TimerQueue {
 public:
  using State = LoopHandle::State;

  TimerQueue() = default;
  ~TimerQueue() { Clear(); }
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  void Add(absl::Duration when, std::shared_ptr<State> state);

  // Drops cancelled timers: those that come first, and all of them when they are
  // more than half of more than a hundred, as asyncio.
  void Prune() {
    if (cancelled_ > 0) DropCancelled();
  }

  // When the first timer is due; InfiniteDuration if there is none.
  absl::Duration NextTime() const {
    return heap_.empty() ? absl::InfiniteDuration() : heap_.front().when;
  }

  // Takes out what is due at `now`, in order, and gives each to `take`.
  void TakeDue(absl::Duration now, absl::FunctionRef<void(std::shared_ptr<State>)> take);

  // Drops all timers and their callbacks.
  void Clear();

  size_t size() const { return heap_.size(); }
  size_t cancelled() const { return cancelled_; }

 private:
  struct Timer {
    absl::Duration when;
    uint64_t sequence;
    std::shared_ptr<State> state;

    // For std's heaps, which keep the greatest in front: later is greater.
    bool operator<(const Timer& other) const {
      return when != other.when ? when > other.when : sequence > other.sequence;
    }
  };

  void DropCancelled();
  // Takes the first timer out of the heap.
  std::shared_ptr<State> Pop();

  std::vector<Timer> heap_;
  uint64_t next_sequence_ = 0;
  size_t cancelled_ = 0;  // of those in heap_
};

}  // namespace proctor
