#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/wait/child_wait.h"
#include "core/wait/sigchld.h"
#include "core/wait/watch_table.h"
#include "proctor/unique_fd.h"

namespace proctor {

// Finds the ended children of a set, in time proportional to those and not to the set: an epoll(7)
// set of pidfds. asyncio's Safe and MultiLoop watchers wait for each of their children at every
// SIGCHLD instead, so that a burst of n exits costs them n² waits.
//
// A child without a pidfd, for want of descriptors or of a kernel that gives them, is looked at
// each time; the caller then polls at each SIGCHLD (SigchldListener).
//
// Thread-safety: all methods from any thread. Lifetime: a watch is in at most one poller.
class ExitPoller {
 public:
  // Errors: ResourceExhausted (OUT_OF_DESCRIPTORS).
  static absl::StatusOr<std::unique_ptr<ExitPoller>> Create();

  ExitPoller(const ExitPoller&) = delete;
  ExitPoller& operator=(const ExitPoller&) = delete;

  // Adds a child with a pidfd. False, and not added, if it has none, or no room is left for it.
  bool TryAddPolled(const std::shared_ptr<Watch>& watch);

  // Adds a child without one.
  void AddUnpolled(const std::shared_ptr<Watch>& watch);

  // Takes a child out. Not an error if it is not in.
  void Remove(const std::shared_ptr<Watch>& watch);

  // Takes out the children that have ended, each with the look that found it so.
  struct Ended {
    std::shared_ptr<Watch> watch;
    ChildLook look;
  };
  std::vector<Ended> TakeEnded();

  // Whether a child has no pidfd.
  bool has_unpolled() const {
    absl::MutexLock lock(&mutex_);
    return !unpolled_.empty();
  }

  // Readable while TakeEnded would find a child that has a pidfd.
  int fd() const { return fd_; }

  // Forgets all children and frees all descriptors. The caller has ended its wait on fd() before.
  // Idempotent.
  void Close();

 private:
  explicit ExitPoller(UniqueFd epoll) : fd_(epoll.get()), epoll_(std::move(epoll)) {}

  // Whether the child has ended; then it is out, and in `ended`.
  bool TakeIfEnded(const std::shared_ptr<Watch>& watch, std::vector<Ended>& ended)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void StopPolling(const Watch& watch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int fd_;

  mutable absl::Mutex mutex_;
  UniqueFd epoll_ ABSL_GUARDED_BY(mutex_);  // empty once closed
  absl::flat_hash_map<const Watch*, std::shared_ptr<Watch>> polled_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::shared_ptr<Watch>> unpolled_ ABSL_GUARDED_BY(mutex_);
  std::optional<SigchldWish> wish_ ABSL_GUARDED_BY(mutex_);  // while something is unpolled
};

}  // namespace proctor
