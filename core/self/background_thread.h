#pragma once

#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace proctor {

// A thread of this process for work that no session's thread may wait for: looks at all of /proc,
// and what takes as long as a disk does. It does one piece after another, in
// the order in which they came. It is made with the first piece and stays.
//
// Each kind of work has one of its own, so that what is urgent never waits for what is not.
//
// Thread-safety: Post from any thread. Lifetime: that of the process; never destroyed.
class BackgroundThread {
 public:
  BackgroundThread() = default;
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  // Does `work` soon, on the thread; it may block and does not throw. To tell what came of
  // it, it posts to a loop.
  // Errors: ResourceExhausted (OUT_OF_THREADS) where the thread cannot be made, with `work`
  // destroyed; a later call may have more luck.
  absl::Status Post(absl::AnyInvocable<void()> work);

 private:
  ~BackgroundThread() = delete;
  void Run();

  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<absl::AnyInvocable<void()>> pieces_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
