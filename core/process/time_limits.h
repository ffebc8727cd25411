#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "core/self/absence.h"
#include "proctor/event_loop.h"
#include "proctor/exit_status.h"

namespace proctor {

// Tells when a process has run for too long, or has done nothing for too long: no output, and
// nothing read of its input. The time when this server could not run does not count as idle
// (Absence).
//
// Thread-safety: none; the thread of its loop. Lifetime: part of its process.
class TimeLimits {
 public:
  struct Told {
    std::function<void()> look;           // is to note what activity there was by now
    std::function<void(ExitCause)> over;  // kRunTimeout or kIdleTimeout
  };

  // Infinite: without that limit. `absence` may be null.
  TimeLimits(EventLoop* loop, absl::Duration run_timeout, absl::Duration idle_timeout,
             std::shared_ptr<const Absence> absence, Told told)
      : loop_(loop),
        run_timeout_(run_timeout),
        idle_timeout_(idle_timeout),
        absence_(std::move(absence)),
        told_(std::move(told)) {}
  ~TimeLimits() { Cancel(); }
  TimeLimits(const TimeLimits&) = delete;
  TimeLimits& operator=(const TimeLimits&) = delete;

  // Begins to count, idleness from `started` on.
  void Begin(absl::Duration started) {
    last_activity_ = started;
    if (std::min(run_timeout_, idle_timeout_) != absl::InfiniteDuration()) StartTimers();
  }

  // Costs no timer: the one that runs finds that there was some.
  void NoteActivity() { last_activity_ = loop_->Time(); }

  void Cancel() {
    run_timer_.Cancel();
    idle_timer_.Cancel();
  }

 private:
  void StartTimers();
  void CheckIdle();

  EventLoop* const loop_;
  const absl::Duration run_timeout_;
  const absl::Duration idle_timeout_;
  const std::shared_ptr<const Absence> absence_;
  const Told told_;

  LoopHandle run_timer_;
  LoopHandle idle_timer_;
  absl::Duration last_activity_;
};

}  // namespace proctor
