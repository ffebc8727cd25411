#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <variant>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/event/event_log.h"
#include "core/event/meter.h"
#include "server/log/line_budget.h"

namespace proctor::server {

// Writes the events of sessions and processes to the server's own log, one line each:
//
//   warning   a process was lost, or out of memory
//   info      sessions; starts and exits of processes
//   debug     what else happens to processes
//
// Callers can cause these as often as they like: of each kind there are 100 lines at once at most,
// and then ten a second; the others are counted for the next line. Where level debug is logged,
// all are. Values of environments are not in events, and control bytes are escaped. Tells the
// meter of each event, too.
//
// Thread-safety: TellUntold from any thread; the rest on the hub's. Lifetime: a part of the hub.
class EventJournal {
 public:
  using Clock = std::function<absl::Time()>;

  // Begins after the newest event. `meter` outlives it.
  EventJournal(EventLog* log, Meter* meter, Clock clock = absl::Now);

  // Writes what was appended since the last call.
  void Write();

  // Tells how many events had no line of their own, and were not counted by a later line.
  void TellUntold();

 private:
  void WriteLine(const Event& event);

  EventLog* const log_;
  Meter* const meter_;
  const Clock clock_;
  std::array<LineBudget, std::variant_size_v<EventDetail>> budgets_;  // by kind of event
  uint64_t position_;
};

}  // namespace proctor::server
