#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"

namespace proctor {

// The SIGCHLD handler of this process, for the watchers with one in their contract (MultiLoop,
// Safe, Fast).
//
// With pidfds the signal is a hint at most: exits come through the pidfds, so that nothing is lost
// when other code replaces our handler. The signal is needed for children without a pidfd, and for
// those that were never added (Fast).
//
//   kernel ─SIGCHLD─▶ handler, on whichever thread ─▶ the handler that was there before
//                        └ is there a SigchldWish? ─▶ ExitThread ─▶ listeners
//
// Thread-safety: all methods from any thread.

// Keeps the handler installed, and is called after signals.
// Lifetime: the first one installs, with SA_RESTART, and the last one restores the earlier handler.
// If other code has installed a handler meanwhile, that one stays, with a warning (conformance 65
// to 67).
class SigchldListener {
 public:
  // `on_signal` is called on the ExitThread after SIGCHLD came, once for all that came
  // together; also for a while after the listener's end, so it holds what it needs, or
  // looks whether that still lives.
  // Errors: those of ExitThread::Start.
  static absl::StatusOr<std::unique_ptr<SigchldListener>> Create(std::function<void()> on_signal);

  ~SigchldListener();
  SigchldListener(const SigchldListener&) = delete;
  SigchldListener& operator=(const SigchldListener&) = delete;

 private:
  explicit SigchldListener(uint64_t id) : id_(id) {}

  const uint64_t id_;
};

// While one lives, signals are passed on; else the handler only counts.
class SigchldWish {
 public:
  SigchldWish();
  ~SigchldWish();
  SigchldWish(const SigchldWish&) = delete;
  SigchldWish& operator=(const SigchldWish&) = delete;
};

// The number of signals that the handler has seen. If it has not changed, there is no new zombie.
uint64_t SigchldCount();

// Gives SIGCHLD its default action if it is ignored, and unblocks it on this thread: both may be
// inherited. Returns whether it was ignored. At the start of a program, before its other threads
// are made.
bool UseDefaultSigchld();

// Warns if this process ignores SIGCHLD: the kernel then reaps its children by itself,
// and only PIDFD_GET_INFO (Linux 6.15) still knows how they ended.
void WarnIfSigchldIsIgnored();

}  // namespace proctor
