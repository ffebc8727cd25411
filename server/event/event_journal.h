#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "core/event/event_log.h"

namespace proctor::server {

// Writes the events of sessions and processes to the server's own log, one line
// each: sessions at level info, processes at level debug. Values of environments
// are not in events, and control bytes are escaped. Passes each event to the observer, too.
//
// Thread-safety: none; the hub's thread. Lifetime: a part of the hub.
class EventJournal {
 public:
  using Observer = std::function<void(const Event&)>;

  // Begins after the newest event. `observer` may be empty.
  EventJournal(EventLog* log, Observer observer)
      : log_(log), observer_(std::move(observer)), position_(log->range().last) {}

  // Writes what was appended since the last call.
  void Write();

 private:
  EventLog* const log_;
  const Observer observer_;
  uint64_t position_;
};

}  // namespace proctor::server
