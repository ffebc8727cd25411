#pragma once

#include <functional>
#include <memory>

#include "core/event/event_log.h"
#include "core/ledger/memory_budget.h"
#include "core/ledger/process_table.h"
#include "core/ledger/start_requests.h"
#include "core/ledger/state_codec.h"
#include "core/loop/event_loop.h"
#include "core/output/output_store.h"
#include "core/self/absence.h"
#include "core/tree/process_tree.h"

namespace proctor {

class SessionContext;

// What sessions share; outlives them.
struct SessionServices {
  EventLog* events = nullptr;
  StateCodec codec;  // where a store keeps the events
  ProcessTable* processes = nullptr;
  MemoryBudget* memory = nullptr;
  // The loop that the main thread runs, for watchers that have to be attached to one
  // (Safe, Fast, MultiLoop). Without it they stay inactive.
  std::shared_ptr<EventLoop> main_loop;
  // Makes the trees of processes; may be null (Process::Context).
  std::shared_ptr<ProcessTrees> trees;
  StartRequests* requests = nullptr;
  // Where the output of ended processes is kept on disk; may be null.
  std::shared_ptr<OutputStore> outputs;
  // What is to be kept of the request that opens the session, together with the opening; may
  // be empty. Called once, before the opening is on record.
  std::function<StateChange(const std::string& session_id)> open_request;
  // When this process could not run, for leases and idle timeouts; may be null.
  std::shared_ptr<const Absence> absence;
  // A process of any session is one too many: asks its session to forget it.
  std::function<void(const ProcessInfo&)> forget;
  // A session is open, and its opening on record. Called once, on any thread, before anybody
  // is shown the event; it must not append.
  std::function<void(const std::shared_ptr<SessionContext>&)> opened;
  // A session is closed, for whatever reason. Called once, on the session's thread.
  std::function<void(const SessionContext&)> closed;
  // Told how long a spawn took, and how long it took from the watcher's notice of an exit until
  // that was on record. On the session's thread; may be empty.
  std::function<void(absl::Duration)> spawn_took;
  std::function<void(absl::Duration)> exit_took;
};

}  // namespace proctor
