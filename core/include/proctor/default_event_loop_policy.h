#pragma once

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "proctor/event_loop_policy.h"

namespace proctor {

class ThreadLoops;

// The policy with one SelectorEventLoop for each thread (asyncio.DefaultEventLoopPolicy). Meant to
// be subclassed.
//
// The main thread gets a loop on first demand, other threads only what was set on them. The main
// thread's id is the process id. SetEventLoop on the main thread also attaches the watcher, if
// there is one already, to the loop; on another thread it never touches the watcher.
//
// Thread-safety: all methods from any thread; a loop slot belongs to one thread
// and one policy object. Loops and watchers are called with no lock held.
// Lifetime: shared. A slot holds its loop until its thread ends or the policy goes,
// and closes nothing; nor does the policy's end close its watcher.
class DefaultEventLoopPolicy : public EventLoopPolicy {
 public:
  // Makes the watcher that GetChildWatcher gives where none was set.
  using WatcherFactory = std::function<absl::StatusOr<std::shared_ptr<ChildWatcher>>()>;

  // With the watcher that fits this machine (conformance 23): pidfd, or else
  // threaded.
  DefaultEventLoopPolicy();
  // With another; an empty factory stands for the one above.
  explicit DefaultEventLoopPolicy(WatcherFactory watcher_factory);
  ~DefaultEventLoopPolicy() override;

  // Errors: FailedPrecondition (NO_CURRENT_EVENT_LOOP), naming the thread; on the
  // main thread only after SetEventLoop(nullptr).
  absl::StatusOr<std::shared_ptr<EventLoop>> GetEventLoop() override;

  // Errors: on the main thread those of the watcher's AttachLoop. The loop before
  // then stays.
  absl::Status SetEventLoop(std::shared_ptr<EventLoop> loop) override;
  absl::StatusOr<std::shared_ptr<EventLoop>> NewEventLoop() override;

  // Errors: those of the watcher factory.
  absl::StatusOr<std::shared_ptr<ChildWatcher>> GetChildWatcher() override;

  // Errors: FailedPrecondition (WATCHERS_UNSUPPORTED) if a loop that is some thread's
  // current one does not support custom watchers.
  absl::Status SetChildWatcher(std::shared_ptr<ChildWatcher> watcher) override;

 private:
  const WatcherFactory watcher_factory_;
  const std::shared_ptr<ThreadLoops> loops_;

  absl::Mutex mutex_;
  std::shared_ptr<ChildWatcher> watcher_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
