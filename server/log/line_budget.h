#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace proctor::server {

// Bounds the log lines about what callers can cause as often as they like: a burst of lines at
// once, and then one each pause. Counts the lines left out, for the next line.
//
// Thread-safety: any thread. Lifetime: any.
class LineBudget {
 public:
  static constexpr int kBurst = 10;
  static constexpr absl::Duration kPause = absl::Seconds(1);

  // Other bounds than these two. Before the first Take.
  void Widen(int burst, absl::Duration pause) {
    burst_ = burst;
    pause_ = pause;
  }

  // Returns how many lines were left out since the one before, when a line may be logged now; else
  // nothing.
  std::optional<uint64_t> Take(absl::Time now);

  // Returns the lines left out, and forgets them: for a line that tells of them alone.
  uint64_t TakeUntold();

 private:
  int burst_ = kBurst;
  absl::Duration pause_ = kPause;
  absl::Mutex mutex_;
  absl::Time empty_since_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t untold_ ABSL_GUARDED_BY(mutex_) = 0;
};

// " untold=N", for the end of the line that tells of N lines left out; empty for none.
std::string UntoldText(uint64_t untold);

}  // namespace proctor::server
