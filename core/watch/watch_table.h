#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "core/base/unique_fd.h"
#include "core/watch/child_wait.h"
#include "core/watch/child_watcher.h"
#include "core/watch/orphan_reaper.h"

namespace proctor {

// One child that a watcher waits for. Its address is its identity: a pid that is
// added anew gets another Watch, so that a late notice of the old one is known.
struct Watch {
  Watch(pid_t pid, std::shared_ptr<EventLoop> loop) : pid(pid), loop(std::move(loop)) {}

  const pid_t pid;
  const std::shared_ptr<EventLoop> loop;  // where the handler runs
  UniqueFd pidfd;                         // touched on the loop's thread, or before the start
  ChildHandler handler;                   // guarded by the table
};

// The children of a watcher, and the rule that each is told once:
//
//   Insert ──▶ watched ──Tell──▶ being told ──▶ reaped
//                 └────Remove, Clear──▶ silenced (reaped by ReapWhenEnded)
//
// Thread-safety: all methods from any thread; handlers are called and destroyed
// with no lock held.
class WatchTable {
 public:
  // Takes a new watch. With a watch of the same child there already, only the
  // handler is replaced if the loops are the same, and else the watch too, and the
  // old one is returned in `displaced` for its descriptor's sake.
  // Errors: FailedPrecondition (WATCHER_CLOSED) after Close; NotFound
  // (NO_SUCH_CHILD) if the child's end is being told at this moment.
  enum class Inserted { kNew, kReplacedHandler };
  absl::StatusOr<Inserted> Insert(const std::shared_ptr<Watch>& watch,
                                  std::shared_ptr<Watch>* displaced);

  // Calls the handler of an ended child, then reaps the child. Nothing if the
  // watch was removed or replaced meanwhile. On the loop's thread.
  void Tell(const std::shared_ptr<Watch>& watch, const ChildLook& look);

  // Takes a watch out, without a call; null if there is none.
  std::shared_ptr<Watch> Remove(pid_t pid);
  // Takes out this very watch; false if it does not stand any more.
  bool Remove(const std::shared_ptr<Watch>& watch);

  // Whether this very watch still stands.
  bool Contains(const std::shared_ptr<Watch>& watch) const;

  // Takes everything out and refuses what comes later.
  std::vector<std::shared_ptr<Watch>> Close();
  bool closed() const;

  std::string DebugString() const;

 private:
  mutable absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<pid_t, std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<pid_t> being_told_ ABSL_GUARDED_BY(mutex_);
};

// The error of a watcher that needs a running loop and has none (54, 69).
absl::Status NoRunningLoopError(std::string_view watcher, pid_t pid);

}  // namespace proctor
