#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "core/spawn/spawn_child.h"
#include "proctor/unique_fd.h"

namespace proctor {

// One thread of this process that watches its newborns: children between clone and exec. The thread
// that spawned a newborn sleeps in the kernel meanwhile (CLONE_VFORK).
//
//   spawning thread                 guard
//   ---------------                 -----
//   Watch: listed; sets the timer
//     if nobody else is listed
//   clone3 ─ asleep                 timer: looks at those that were listed a look ago
//                                     stopped by somebody: SIGCONT
//                                     listed for the timeout: SIGKILL, by its pidfd
//   awake: End, off the list        timer: nobody listed: asleep until the next Watch
//
// Time is counted in looks, not by a clock: after a pause of this whole process, no newborn is
// killed that had no time to go on.
//
// A start costs two uncontended locks, and one timerfd_settime(2) where none was under way in
// the last 50 ms; the guard's thread wakes no more than once in 50 ms.
//
// Rejected: a deadline for each start on the loop. The loop sleeps with its thread.
//
// A newborn also has copies of all descriptors that were open at its clone, pipes of other children
// among them, until it closes them: the wait for the end of a pipe asks here.
//
// A newborn that even SIGKILL does not end keeps its spawning thread asleep: EventLoop::TurnTime of
// that thread's loop shows it.
//
// Thread-safety: all methods from any thread. Lifetime: made on first use, never destroyed.
class NewbornGuard {
 public:
  static constexpr absl::Duration kDefaultTimeout = absl::Seconds(5);

  // The guard of this process, with its thread running.
  // Errors: ResourceExhausted (OUT_OF_DESCRIPTORS, OUT_OF_THREADS); a later call may have more
  // luck.
  static absl::StatusOr<NewbornGuard*> Get();

  // How long a newborn has, from now on; rounded up to looks.
  void SetTimeout(absl::Duration timeout);
  absl::Duration timeout() const;

  // A moment, between the newborns that were listed before and those that come later.
  uint64_t Mark() const;

  // Whether a newborn from before that moment may still have pipes of others.
  bool AnyWithPipesBefore(uint64_t mark) const;

  // What became of a newborn.
  struct Verdict {
    bool killed = false;
    bool was_stopped = false;  // when it was killed; else it was in the kernel
    SpawnStage stage = SpawnStage::kClone;
  };

  // Covers one clone: on the stack of the thread that spawns, around it. Until End the child
  // is not reaped, so that its pid is its own.
  class Watch {
   public:
    Watch(NewbornGuard* guard, const SpawnExchange* exchange);
    ~Watch() { End(); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Idempotent.
    Verdict End();

   private:
    friend class NewbornGuard;

    NewbornGuard* const guard_;
    const SpawnExchange* const exchange_;
    // The guard's, under its lock.
    uint64_t number_ = 0;
    bool listed_ = true;
    bool stopped_ = false;  // at the last look
    int looks_ = 0;
    absl::Duration waited_;
    Verdict verdict_;
    Watch* next_ = nullptr;
    Watch* previous_ = nullptr;
  };

 private:
  NewbornGuard() = default;
  ~NewbornGuard() = delete;  // its thread ends with the process

  absl::Status Start();
  void Run();
  void SetTimerLocked(absl::Duration delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LookLocked(Watch& newborn) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  UniqueFd timer_ ABSL_GUARDED_BY(mutex_);  // empty until Start succeeded
  absl::Duration timeout_ ABSL_GUARDED_BY(mutex_) = kDefaultTimeout;
  absl::Duration interval_ ABSL_GUARDED_BY(mutex_);  // of the timer; zero: it is not set
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  Watch* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace proctor
