#pragma once

#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "proctor/event_loop.h"

namespace proctor {

// The side of a loop that other threads see: what they post, whether it is to stop,
// whether it runs or is closed, and how it is woken.
//
//   other thread                      loop's thread
//   ------------                      -------------
//                                     BeginWait: nothing posted, so `waiting`
//   Post: lock, push,
//     waiting and not woken yet?
//     wake once, unlock ············▶ the wait for readiness returns
//   Post: lock, push, unlock          EndWait: not `waiting` any more
//                                     Take: everything posted, in order
//
// Only a loop that waits is woken, and once: a busy one costs its posters no system
// call. Rejected: to wake after unlocking. The loop may wake for another reason
// meanwhile, be stopped and closed, and the wake would be written to a descriptor
// number that has a new owner by then.
//
// Thread-safety: Post, Stop, is_running and is_closed from any thread, the rest on the
// loop's thread. No callback is destroyed with the lock held.
class LoopInbox {
 public:
  // `wake` ends the loop's wait. It is called with the lock held, from any thread, only
  // between BeginWait and EndWait; it neither blocks nor calls back.
  explicit LoopInbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  // Takes `callback`, or on an error leaves it alone. Errors: LOOP_CLOSED.
  absl::Status Post(LoopCallback& callback);

  // Asks for the end of the run, or of the next one.
  void Stop();
  bool stop_requested() const { return stop_requested_.load(); }
  // Whether Stop was called; forgets that it was.
  bool TakeStop() { return stop_requested() && stop_requested_.exchange(false); }

  // Errors: LOOP_RUNNING, LOOP_CLOSED.
  absl::Status BeginRun();
  void EndRun();

  // Closes the inbox and gives the caller what is in it. Idempotent.
  // Errors: LOOP_RUNNING.
  absl::Status Close(std::vector<LoopCallback>& dropped);

  // From here on the loop is woken for what comes. False, and nothing begun, if
  // something came already.
  bool BeginWait();
  void EndWait();

  // Whether Take would find something. Never false for what was posted before, in any
  // order that the caller can know of.
  bool has_posted() const { return has_posted_.load(); }
  // Swaps what was posted, in order, into `taken`, which is empty.
  void Take(std::vector<LoopCallback>& taken);

  bool is_running() const;
  bool is_closed() const;

 private:
  enum class Life { kIdle, kRunning, kClosed };

  void WakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void()> wake_;
  std::atomic<bool> stop_requested_ = false;
  std::atomic<bool> has_posted_ = false;  // !posted_.empty(), without the lock

  mutable absl::Mutex mutex_;
  Life life_ ABSL_GUARDED_BY(mutex_) = Life::kIdle;
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<LoopCallback> posted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor
