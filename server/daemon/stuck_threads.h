#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/registry/session_registry.h"
#include "proctor/event_loop.h"

namespace proctor::server {

// A turn of a loop is too long when it lasts this much longer than a start may.
inline constexpr absl::Duration kLongTurn = absl::Seconds(5);

// Finds the threads of the server that are stuck. Each has a loop; one that stays in the same turn
// for long does nothing else. The cause may be a spawn that even SIGKILL does not end, or a file on
// a dead disk.
//
// Health and /readyz say no while a turn has lasted for 10 s, or for 5 s more than --spawn-timeout
// if that is later; the log names the thread.
//
// Thread-safety: Check from any thread; the rest on the main loop's thread.
// Lifetime: `sessions` outlives it; End comes before the main loop's end.
class StuckThreads {
 public:
  StuckThreads(const SessionRegistry* sessions, std::shared_ptr<EventLoop> main_loop,
               std::shared_ptr<EventLoop> events_loop, absl::Duration longest);

  // Errors: Unavailable (THREAD_STUCK), `thread` and for a session `session_id` in its metadata.
  absl::Status Check() const;

  // Checks every 2 s from now on, and calls `changed` when the answer changes. The answer before
  // the first is OK.
  void Begin(std::function<void(const absl::Status&)> changed);
  void End();

 private:
  void Look();

  const SessionRegistry* const sessions_;
  const std::shared_ptr<EventLoop> main_loop_;
  const std::shared_ptr<EventLoop> events_loop_;
  const absl::Duration longest_;

  std::function<void(const absl::Status&)> changed_;
  LoopHandle timer_;
  std::string told_;  // which thread; empty: none
};

}  // namespace proctor::server
