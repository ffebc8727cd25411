#pragma once

#include <atomic>

#include "absl/status/status.h"

namespace proctor {

// A descriptor that every child of this process holds from its clone to its exec, and no longer. A
// lock on it (flock(2)) is therefore shared with the newborns: while the lock stands, one of them
// may still become a program, even after this process has ended.
//
// Thread-safety: Set while nothing is spawned; Get from any thread.
class SpawnFence {
 public:
  // Takes a descriptor of its own of `file`; -1 ends it.
  // Errors: ResourceExhausted (OUT_OF_DESCRIPTORS).
  static absl::Status Set(int file);

  // That descriptor, or -1.
  static int Get() { return descriptor_.load(std::memory_order_relaxed); }

 private:
  static inline std::atomic<int> descriptor_ = -1;
};

// The lowest number that a child does not use for what it keeps until its exec.
constexpr int kFirstUnkeptDescriptor = 8;

}  // namespace proctor
