#pragma once

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace proctor::server {

// Bounds how often the log says what others can make happen as often as they like: `kBurst` lines
// at once, and from then on one each `kPause`. What is not said is counted, and told with the next
// line.
//
// Thread-safety: any thread. Lifetime: any.
class LineBudget {
 public:
  static constexpr int kBurst = 10;
  static constexpr absl::Duration kPause = absl::Seconds(1);

  // Whether a line may be said now: then how many were not, since the one before it.
  std::optional<uint64_t> Take(absl::Time now);

 private:
  absl::Mutex mutex_;
  absl::Time empty_since_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t untold_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor::server
