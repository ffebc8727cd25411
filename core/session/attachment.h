#pragma once

#include <memory>

#include "absl/status/status.h"
#include "core/loop/event_loop.h"
#include "core/watch/child_watcher.h"

namespace proctor {

// Attaches a watcher that is not active to the loop of the main thread, there, and waits
// until it is. Nothing to do for one that is active, or without a main loop: who starts a
// process finds out then.
//
// Thread-safety: from any thread, while the main loop runs or will run; the main thread
// itself must not be waiting for the caller.
// Errors: those of AttachLoop; FailedPrecondition (LOOP_CLOSED) if the main loop is
// closed first.
absl::Status AttachIfInactive(const std::shared_ptr<ChildWatcher>& watcher,
                              const std::shared_ptr<EventLoop>& main_loop);

}  // namespace proctor
