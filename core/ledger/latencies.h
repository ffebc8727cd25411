#pragma once

#include "absl/time/time.h"

namespace proctor {

// Receives how long things took. This class drops them.
//
// Thread-safety: all methods from any thread; they do not block.
class Latencies {
 public:
  virtual ~Latencies() = default;

  // A spawn, from its begin until the program runs.
  virtual void ObserveSpawn(absl::Duration) {}
  // An exit, from the watcher's notice until it was on record.
  virtual void ObserveExit(absl::Duration) {}

  // One that drops everything.
  static Latencies* None() {
    static auto* const none = new Latencies();
    return none;
  }
};

}  // namespace proctor
