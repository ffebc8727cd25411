#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace proctor {

// The times when this process could not run, because it or its whole machine was stopped. A
// deadline for messages to this process takes them off: it could not hear any then.
//
// Measured by ticks: a late tick means an absence. Less than two ticks is none, because a busy
// machine is late, too.
//
// Thread-safety: all methods from any thread; one of them ticks.
class Absence {
 public:
  static constexpr absl::Duration kTick = absl::Milliseconds(250);

  // By CLOCK_MONOTONIC, or another clock of the same pace.
  Absence();
  explicit Absence(std::function<absl::Duration()> clock) : clock_(std::move(clock)) {}

  // To be called each kTick.
  void Tick();

  // How much of the last `span` this process was away, a tick more or less. The absence that
  // ended just now counts also where its tick is still to come; very old ones are forgotten.
  absl::Duration Within(absl::Duration span) const;

 private:
  struct Gap {
    absl::Duration from;
    absl::Duration to;
  };

  const std::function<absl::Duration()> clock_;
  mutable absl::Mutex mutex_;
  absl::Duration last_tick_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();  // none yet
  std::deque<Gap> gaps_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
