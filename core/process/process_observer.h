#pragma once

#include <cstdint>
#include <string>

#include "proctor/command.h"

namespace proctor {

class Process;

// Receives the changes of a process that go on record. Each method is called on the process's
// thread, from within the process: it may read the process, but must not act on it nor destroy it.
// A listener (Process::AddListener) may act. The methods of this class do nothing.
//
// Lifetime: outlives the process, or Process::EndObservation comes first.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;

  // It ended and is still a zombie: what is on record when this returns survives a crash.
  virtual void OnExited(const Process&) {}
  // Its output is complete.
  virtual void OnDrained(const Process&) {}
  // It was drained before. Now its tree is empty, or it is known which processes hold its pipes.
  virtual void OnChanged(const Process&) {}
  // A signal was sent, on behalf of `by`.
  virtual void OnSignalled(const Process&, int /*signal*/, SignalScope, const std::string& /*by*/) {
  }
  // The kernel has killed so many of its tree for want of memory; after OnExited.
  virtual void OnOomKilled(const Process&, uint64_t /*killed*/) {}

  // An observer that does nothing. From any thread.
  static ProcessObserver* None() {
    static auto* const none = new ProcessObserver();
    return none;
  }
};

}  // namespace proctor
