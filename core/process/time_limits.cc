#include "core/process/time_limits.h"

#include <utility>

namespace proctor {

TimeLimits::TimeLimits(EventLoop* loop, absl::Duration run_timeout, absl::Duration idle_timeout,
                       std::shared_ptr<const Absence> absence, Told told)
    : loop_(loop),
      run_timeout_(run_timeout),
      idle_timeout_(idle_timeout),
      absence_(std::move(absence)),
      told_(std::move(told)) {}

void TimeLimits::Begin(absl::Duration started) {
  last_activity_ = started;
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

void TimeLimits::Cancel() {
  run_timer_.Cancel();
  idle_timer_.Cancel();
}

}  // namespace proctor
