#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor {

// An event loop that watches children: what a cell measures. One for Proctor's loops and
// watchers, one for libuv.
//
// Thread-safety: the main thread only. Lifetime: its owner's; nothing is called after
// Run returned.
class WatchedLoop {
 public:
  virtual ~WatchedLoop() = default;

  // Starts `program`, with `stdout_fd` as its stdout, and calls `on_exit` once when it has
  // ended, on the loop. Within Run only.
  virtual absl::StatusOr<pid_t> Spawn(const std::string& program, int stdout_fd,
                                      std::function<void()> on_exit) = 0;

  // Calls `call` after `delay`, in a later turn of the loop also where that is zero.
  virtual void After(absl::Duration delay, std::function<void()> call) = 0;

  // Calls `start` on the loop, and runs it until Stop.
  virtual absl::Status Run(std::function<void()> start) = 0;
  virtual void Stop() = 0;
};

}  // namespace proctor
