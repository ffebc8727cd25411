#pragma once

#include <cstdint>
#include <string>

#include "core/command/command.h"

namespace proctor {

class Process;

// Hears of a process what is to be put on record. Each method is called on the process's thread,
// from within the process: it may ask the process, and must not act on it, nor let go of it.
// What acts is a listener (Process::AddListener). This class hears nothing.
//
// Lifetime: outlives the process, or Process::EndObservation comes first.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;

  // It ended, and is a zombie still: what is on record when this returns survives a crash.
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

  // Any thread: one that hears nothing.
  static ProcessObserver* None();
};

}  // namespace proctor
