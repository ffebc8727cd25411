#pragma once

#include <sys/types.h>

#include <cstddef>

namespace proctor {

// The children of this process that live, each in a slot, so that one can be drawn by
// number and none outlives the process. There is one such table, because a signal
// handler has nothing else to go by.
//
// Thread-safety: the main thread, which also is the one that takes signals.

inline constexpr size_t kMaxLiveChildren = 16384;

// From here on SIGINT, SIGTERM and SIGHUP end the process by EndChildren.
void EndChildrenOnSignal();

// Keeps those signals away, so that none comes between a spawn and SetLiveChild.
// Lifetime: on the stack.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
};

// Says which child is in a slot; 0 for none.
void SetLiveChild(size_t slot, pid_t pid);
pid_t LiveChild(size_t slot);

// Kills and reaps all of them. Async-signal-safe. A watcher that reaps at the same time
// does no harm.
void EndChildren();

}  // namespace proctor
