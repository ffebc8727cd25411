#pragma once

#include <functional>
#include <memory>

#include "core/event/event_log.h"
#include "core/loop/event_loop.h"
#include "core/process/process_tree.h"
#include "core/session/process_table.h"

namespace proctor {

class SessionContext;

// What sessions share; outlives them.
struct SessionServices {
  EventLog* events = nullptr;
  ProcessTable* processes = nullptr;
  // The loop that the main thread runs, for watchers that have to be attached to one
  // (Safe, Fast, MultiLoop). Without it they stay inactive.
  std::shared_ptr<EventLoop> main_loop;
  // Makes the trees of processes; may be null (Process::Context).
  std::shared_ptr<ProcessTrees> trees;
  // A process of any session is one too many: asks its session to forget it.
  std::function<void(const ProcessInfo&)> forget;
  // A session is closed, for whatever reason. Called once, on the session's thread.
  std::function<void(const SessionContext&)> closed;
};

}  // namespace proctor
