#pragma once

#include <cstdint>

#include "core/event/event_log.h"

namespace proctor::server {

// Writes the events of sessions and processes to the server's own log, one line
// each: sessions at level info, processes at level debug. Values of environments
// are not in events, and control bytes are escaped.
//
// Thread-safety: none; the hub's thread. Lifetime: a part of the hub.
class EventJournal {
 public:
  explicit EventJournal(EventLog* log) : log_(log) {}

  // Writes what was appended since the last call.
  void Write();

 private:
  EventLog* const log_;
  uint64_t position_ = 0;
};

}  // namespace proctor::server
