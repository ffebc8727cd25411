#include "core/process/time_limits.h"

namespace proctor {

void TimeLimits::StartTimers() {
  if (idle_timeout_ != absl::InfiniteDuration()) {
    idle_timer_ = loop_->CallLater(idle_timeout_, [this] { CheckIdle(); });
  }
  if (run_timeout_ != absl::InfiniteDuration()) {
    run_timer_ = loop_->CallLater(run_timeout_, [this] { told_.over(ExitCause::kRunTimeout); });
  }
}

void TimeLimits::CheckIdle() {
  told_.look();
  const absl::Duration now = loop_->Time();
  absl::Duration idle_at = last_activity_ + idle_timeout_;
  if (absence_ != nullptr) idle_at += absence_->Within(now - last_activity_);
  if (now >= idle_at) return told_.over(ExitCause::kIdleTimeout);
  idle_timer_ = loop_->CallAt(idle_at, [this] { CheckIdle(); });
}

}  // namespace proctor
