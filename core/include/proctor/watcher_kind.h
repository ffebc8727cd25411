#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/child_watcher.h"

namespace proctor {

// The watchers by name, and which of them work on this machine.
//
// How each one notices the end of a child. Telling and reaping are the same for all.
//
//            waits by                                    on                         SIGCHLD
// pidfd      a pidfd for each child, edge-triggered      the loop that added it     untouched
// uring      a ring for each loop, a chain of poll and   the loop that added it     untouched
//            waitid for each child
// threaded   an epoll set of pidfds; without pidfds a    one thread for all         untouched
//            thread for each child
// multiloop  the same; without pidfds a look at each     one thread for all         a handler
//            signal
// safe       an epoll set of pidfds of its own; without  the main loop              a handler
//            pidfds a look at each signal
// fast       as safe, and a look at all else that has    the main loop; the look:   a handler
//            ended in its reach                          the thread that spawned
//
// Those that wait elsewhere post to the loop that added the child. The handler stands while the
// watcher is attached.
//
// Thread-safety: pure functions but for a probe of the kernel, made once.

// A watcher, for lists.
struct WatcherInfo {
  std::string name;
  absl::Status availability;  // OK, or why it cannot work here
};

// The name "auto": pidfd where the kernel allows it, else threaded (conformance 23).
inline constexpr char kAutoWatcher[] = "auto";

// All watchers, the preferred one first.
std::vector<WatcherInfo> ListWatchers();

// The name that stands for `name` here: "auto" resolved, the others as they are.
// Errors: InvalidArgument (INVALID_FIELD, `watcher`) for an unknown name, with
// the known ones; FailedPrecondition (WATCHER_UNAVAILABLE) with the reason.
absl::StatusOr<std::string> ResolveWatcher(std::string_view name);

// Makes a watcher by name. Errors: as ResolveWatcher.
absl::StatusOr<std::shared_ptr<ChildWatcher>> NewWatcher(std::string_view name);

}  // namespace proctor
