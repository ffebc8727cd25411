#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/event/event_log.h"
#include "core/event/meter.h"
#include "core/fact/event.h"
#include "core/fact/process_info.h"
#include "core/fact/session_info.h"
#include "core/ledger/memory_budget.h"
#include "core/ledger/process_table.h"
#include "core/ledger/start_requests.h"
#include "core/ledger/state_codec.h"
#include "core/output/output_store.h"

namespace proctor {

// The records and the list of sessions and processes. A fact goes one way:
//
//   Record(fact, the state from now on)
//     ▶ the event log: the event, and with it the state's row, in one transaction
//     ▶ the process table: what everybody else sees
//     ▶ those that watch the log
//
// and a process is forgotten in one place, Forget.
//
// Thread-safety: all methods from any thread.
// Lifetime: outlives the sessions. StopPublishing of the log comes before its end.
class Ledger {
 public:
  struct Options {
    size_t max_ended_processes = 10000;
    uint64_t max_processes = 0;  // that run; 0: no bound
    uint64_t max_memory = 0;     // see MemoryBudget; 0: no bound
    // Where a store keeps the events. Shared with the sessions.
    std::shared_ptr<const StateCodec> codec;
    // Where the output of ended processes is kept on disk; may be null.
    std::shared_ptr<OutputStore> outputs;
    Meter* meter = Meter::None();  // outlives the ledger
  };

  Ledger(const Options& options, EventLog* events);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Records an event and, with it, the new `state` of the session or process. The first event of a
  // process lists it. Returns the event's sequence, once it is published and recorded; if the store
  // refuses, without waiting for the record.
  uint64_t Record(Event event);
  uint64_t Record(Event event, ProcessInfo state);
  // `published` is called as EventLog::Entry::publish.
  uint64_t Record(Event event, const SessionInfo& state, std::vector<StateChange> more = {},
                  std::function<void(uint64_t)> published = {});

  // Records a new state of a process without an event, and publishes it.
  void Change(const ProcessInfo& state);

  // Forgets the ended process of `removal`, which is listed by its `ordinal`: its row, its
  // request_id, its kept output and its place in the table, with this event. Returns false if it is
  // being forgotten already.
  bool Forget(Event removal, uint64_t ordinal);
  bool Forget(const ProcessInfo& info, RemovalReason reason);

  // Keeps the output of a drained process on disk, if that is wanted and there is any.
  void KeepOutput(const std::string& process_id, const OutputLog& output);

  EventLog& events() { return *events_; }
  ProcessTable& processes() { return processes_; }
  const ProcessTable& processes() const { return processes_; }
  StartRequests& requests() { return requests_; }
  const StartRequests& requests() const { return requests_; }
  const std::shared_ptr<MemoryBudget>& memory() const { return memory_; }
  OutputStore* outputs() const { return outputs_.get(); }
  Meter& meter() { return *meter_; }

  // Null where no store keeps the events.
  const StateCodec* codec() const { return events_->stored() ? codec_.get() : nullptr; }
  // The rows of states; only if a store keeps the events.
  StateChange RowOf(const ProcessInfo& info) const;
  StateChange RowOf(const SessionInfo& info) const;

 private:
  EventLog* const events_;
  const std::shared_ptr<const StateCodec> codec_;
  const std::shared_ptr<OutputStore> outputs_;
  Meter* const meter_;
  const std::shared_ptr<MemoryBudget> memory_;  // shared: a reading may outlast this
  ProcessTable processes_;
  StartRequests requests_;
};

}  // namespace proctor
