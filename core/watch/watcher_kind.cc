#include "proctor/watcher_kind.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/return_if_error.h"
#include "core/wait/sigchld.h"
#include "core/watch/fast_child_watcher.h"
#include "core/watch/multi_loop_child_watcher.h"
#include "core/watch/pidfd_child_watcher.h"
#include "core/watch/safe_child_watcher.h"
#include "core/watch/threaded_child_watcher.h"
#include "core/watch/uring_child_watcher.h"
#include "proctor/error.h"

namespace proctor {
namespace {

struct Kind {
  const char* name;
  absl::Status (*probe)();
  std::shared_ptr<ChildWatcher> (*make)();
};

absl::Status Everywhere() { return absl::OkStatus(); }

template <typename Watcher>
std::shared_ptr<ChildWatcher> Make() {
  return std::make_shared<Watcher>();
}

// In the order of preference, which is what "auto" goes by.
constexpr Kind kKinds[] = {
    {"pidfd", &PidfdChildWatcher::Probe, &Make<PidfdChildWatcher>},
    {"threaded", &Everywhere, &Make<ThreadedChildWatcher>},
    {"uring", &UringChildWatcher::Probe, &Make<UringChildWatcher>},
    {"multiloop", &Everywhere, &Make<MultiLoopChildWatcher>},
    {"safe", &Everywhere, &Make<SafeChildWatcher>},
    {"fast", &Everywhere, &Make<FastChildWatcher>},
};

absl::StatusOr<const Kind*> FindKind(std::string_view name) {
  if (name == kAutoWatcher) {
    for (const Kind& kind : kKinds) {
      if (kind.probe().ok()) return &kind;
    }
  }
  for (const Kind& kind : kKinds) {
    if (name != kind.name) continue;
    const absl::Status available = kind.probe();
    if (available.ok()) return &kind;
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kWatcherUnavailable,
                     absl::StrCat("watcher '", kind.name, "' cannot work on this machine: ",
                                  std::string(available.message())),
                     {{"watcher", kind.name}});
  }
  std::string known = kAutoWatcher;
  for (const Kind& kind : kKinds) absl::StrAppend(&known, ", ", kind.name);
  return InvalidField("watcher",
                      absl::StrCat("no watcher '", std::string(name), "'; there are: ", known));
}

}  // namespace

std::vector<WatcherInfo> ListWatchers() {
  std::vector<WatcherInfo> watchers;
  for (const Kind& kind : kKinds) watchers.push_back({kind.name, kind.probe()});
  return watchers;
}

absl::StatusOr<std::string> ResolveWatcher(std::string_view name) {
  ASSIGN_OR_RETURN(auto kind, FindKind(name));
  return kind->name;
}

absl::StatusOr<std::shared_ptr<ChildWatcher>> NewWatcher(std::string_view name) {
  ASSIGN_OR_RETURN(auto kind, FindKind(name));
  WarnIfSigchldIsIgnored();
  return kind->make();
}

}  // namespace proctor
