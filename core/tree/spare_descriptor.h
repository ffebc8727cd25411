#pragma once

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proctor/unique_fd.h"

namespace proctor {

// A descriptor that is kept for a shortage, so that processes can still be looked at and killed.
// There is one in this process.
//
// Thread-safety: all methods from any thread.
// Lifetime: from the first Get on, which is best before the shortage, for good.
class SpareDescriptor {
 public:
  static SpareDescriptor& Get();

  // Calls `open`, which returns a descriptor, or -1 with errno. If it fails for want of
  // descriptors, calls it once more in the place of the spare one. Close the result soon: the next
  // call takes its place back. Returns an empty one, with errno, if that failed too.
  UniqueFd Open(const std::function<int()>& open);

  // Takes the place back now, where there is one.
  void Refill();

 private:
  SpareDescriptor() { Refill(); }
  ~SpareDescriptor() = delete;
  void RefillLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  UniqueFd spare_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
