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
