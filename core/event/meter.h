#pragma once

#include "absl/time/time.h"
#include "core/fact/event.h"

namespace proctor {

// Receives what happened and how long it took. This class drops it all.
//
// Thread-safety: the methods that measure from any thread; ObserveEvent by one at a time. They do
// not block.
class Meter {
 public:
  virtual ~Meter() = default;

  // An event of the log; each once, in order.
  virtual void ObserveEvent(const Event&) {}
  // A spawn, from its begin until the program runs.
  virtual void ObserveSpawn(absl::Duration) {}
  // An exit, from the watcher's notice until it was on record.
  virtual void ObserveExit(absl::Duration) {}
  // One writing of the event log to its store.
  virtual void ObserveCommit(absl::Duration) {}

  // One that drops everything.
  static Meter* None() {
    static auto* const none = new Meter();
    return none;
  }
};

}  // namespace proctor
