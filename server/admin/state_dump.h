#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proctor/event_loop.h"

namespace proctor::server {

// A part of the server that can describe itself, on a thread of its own.
struct StatePart {
  std::string name;
  // Runs its argument on that thread; empty for a part that any thread can describe. Fails where
  // the thread has ended: the argument is then never called.
  std::function<absl::Status(LoopCallback)> post;
  // On that thread: lines, of `max_bytes` at most.
  std::function<std::string(size_t max_bytes)> describe;
  // Any thread, where there is `post`: how long that thread has been at the same turn
  // (EventLoop::TurnTime), and the lines that stand for the part while it does not answer.
  std::function<absl::Duration()> turn_time = nullptr;
  std::function<std::string()> outside = nullptr;
};

// Asks the parts of a server to describe themselves, all at once, and waits for none of them: the
// thread that does not get on is what a person who asks wants to see.
//
//   caller              a part's thread              a thread that is stuck
//   Begin ── post ────▶ describe ─▶ kept
//     └───── post ─────────────────────────────────▶ (not run)
//   GiveUp ─▶ Done: what is kept, and of the rest its turn time
//                                                    (runs, and describes nothing)
//
// Rejected: to read a stuck session from outside. Its state belongs to its thread.
//
// Thread-safety: all methods from any thread. Lifetime: shared with the parts' threads. No part is
// asked once this is done, so what they describe need not outlive the call.
class StateDump : public std::enable_shared_from_this<StateDump> {
 public:
  struct Section {
    std::string name;
    std::string text;
    bool silent = false;
  };
  struct Result {
    std::vector<Section> sections;
    size_t omitted = 0;  // that had no room
  };
  using Done = std::function<void(Result)>;

  // `done` is called once: when all have answered, or at GiveUp. Of its sections the first
  // `in_front` stand where their parts do; of the others, those that do not answer come first. All
  // have `max_bytes` at most; each part is given its share.
  StateDump(std::vector<StatePart> parts, size_t in_front, size_t max_bytes, Done done);

  void Begin();

  // Waits no longer. Does nothing once it is done.
  void GiveUp();

 private:
  using Texts = std::vector<std::optional<std::string>>;  // by part

  // Whether it is not done yet.
  bool Waits();
  void Keep(size_t part, std::string text);
  // Calls `done` with these, which it took with the lock held.
  void Finish(const Done& done, Texts texts) const;
  std::string TellSilent(const StatePart& part) const;

  const std::vector<StatePart> parts_;
  const size_t in_front_;
  const size_t max_bytes_;

  absl::Mutex mutex_;
  Texts texts_ ABSL_GUARDED_BY(mutex_);
  size_t missing_ ABSL_GUARDED_BY(mutex_);
  Done done_ ABSL_GUARDED_BY(mutex_);  // empty once it is taken
};

}  // namespace proctor::server
