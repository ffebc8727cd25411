#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "core/wait/child_wait.h"
#include "core/wait/orphan_reaper.h"
#include "proctor/child_exit.h"
#include "proctor/child_ref.h"
#include "proctor/event_loop.h"

namespace proctor {

// One child that a watcher waits for. Its address is its identity: a pid that is added again gets a
// new Watch, so that a late notice for the old one is recognised.
//
// While it lives, its child is claimed: the Fast watcher, which waits for any child, leaves it
// alone.
struct Watch {
  Watch(ChildRef child, std::shared_ptr<EventLoop> loop);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  const ChildRef child;                   // without a pidfd only where there is none to be had
  const std::shared_ptr<EventLoop> loop;  // where the handler runs
  ChildHandler handler;                   // guarded by the table
};

// Whether some watch of this process is for this child.
bool IsClaimed(pid_t pid);

// The children of a watcher, and the rule that each is told once:
//
//   Insert ──▶ watched ──Tell──▶ being told ──▶ reaped
//                 └────Remove, Clear──▶ silenced (reaped by ReapWhenEnded)
//
// Watchers differ in how they notice an end (proctor/watcher_kind.h). All of them tell and reap
// through this table.
//
// Thread-safety: all methods from any thread; handlers are called and destroyed
// with no lock held.
// Lifetime: always held by a shared_ptr; a notice that is on its way to a loop does
// not keep it.
class WatchTable : public std::enable_shared_from_this<WatchTable> {
 public:
  // Makes a watch and returns it for the caller to wait for. If the child has a watch already: with
  // the same loop, replaces only its handler and returns null; else replaces the watch and calls
  // `stop` with the old one, for which the caller stops waiting.
  // Errors: InvalidArgument (INVALID_FIELD) without a handler; FailedPrecondition (WATCHER_CLOSED)
  // after Close; NotFound (NO_SUCH_CHILD) if the child's end is being told at this moment.
  using Stop = absl::FunctionRef<void(const std::shared_ptr<Watch>&)>;
  absl::StatusOr<std::shared_ptr<Watch>> Add(ChildRef child, std::shared_ptr<EventLoop> loop,
                                             ChildHandler handler, Stop stop);

  // Calls the handler of an ended child, then reaps the child. Does nothing if the watch was
  // removed or replaced meanwhile. On the loop's thread. An exception of the handler goes to the
  // loop's error handler (conformance 46).
  // What one handler throws must not cost another child its exit.
  void Tell(const std::shared_ptr<Watch>& watch, const ChildLook& look);

  // Sets a function to call after each child that was told and reaped, on the thread that reaped
  // it.
  void SetOnReaped(std::function<void()> on_reaped);

  // Tell, on the watch's loop and in a later turn of it. If that loop is closed, now or
  // before the turn comes, there is a warning and no call, and the child is reaped
  // (conformance 56, 71). From any thread.
  void Post(const std::shared_ptr<Watch>& watch, const ChildLook& look);

  // A watch's loop is closed before its child was seen to end: takes the watch out with a warning,
  // and has the child reaped when it ends. Does nothing if the watch is gone. From any thread.
  void OnLoopClosed(const std::shared_ptr<Watch>& watch);

  // Takes a watch out, without a call; null if there is none.
  std::shared_ptr<Watch> Remove(pid_t pid);
  // Takes out this very watch; false if it does not stand any more.
  bool Remove(const std::shared_ptr<Watch>& watch);

  // Whether this very watch still stands.
  bool Contains(const std::shared_ptr<Watch>& watch) const;
  // The watch of a child, null if there is none.
  std::shared_ptr<Watch> Find(pid_t pid) const;
  // Whether the child's handler is being called.
  bool IsBeingTold(pid_t pid) const;

  // Takes everything out and refuses what comes later.
  std::vector<std::shared_ptr<Watch>> Close();
  bool closed() const;
  bool empty() const;

  std::string DebugString() const;

 private:
  class Notice;

  enum class Inserted { kNew, kReplacedHandler };
  absl::StatusOr<Inserted> Insert(const std::shared_ptr<Watch>& watch,
                                  std::shared_ptr<Watch>* displaced);

  void TellReaped();

  mutable absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<pid_t, std::shared_ptr<Watch>> watches_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<pid_t> being_told_ ABSL_GUARDED_BY(mutex_);
  std::function<void()> on_reaped_ ABSL_GUARDED_BY(mutex_);
};

// The errors of AddChildHandler: without a running loop where one is needed (54, 69),
// and of a watcher that is attached to no running loop (76, 81).
absl::Status NoRunningLoopError(std::string_view watcher, pid_t pid);
absl::Status InactiveError(std::string_view watcher, pid_t pid);
absl::Status NoSuchChildError(std::string_view watcher, pid_t pid);
// Of a watcher that was closed.
absl::Status WatcherClosedError(std::string_view watcher);

}  // namespace proctor
