#pragma once

#include <memory>

#include "absl/status/status.h"
#include "proctor/child_watcher.h"
#include "proctor/event_loop.h"

namespace proctor {

// Attaches an inactive watcher to the loop of the main thread, on that thread, and waits for it.
// Does nothing for an active watcher, or without a main loop: the next start then fails.
//
// A session that is being opened may wait here, so a drain waits for such sessions, too.
//
// Thread-safety: from any thread, while the main loop runs or will run; the main thread
// itself must not be waiting for the caller.
// Errors: those of AttachLoop; FailedPrecondition (LOOP_CLOSED) if the main loop is
// closed first.
absl::Status AttachIfInactive(const std::shared_ptr<ChildWatcher>& watcher,
                              const std::shared_ptr<EventLoop>& main_loop);

}  // namespace proctor
