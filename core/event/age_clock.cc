#include "core/event/age_clock.h"

#include <time.h>

#include <algorithm>

namespace proctor {
namespace {

// Less than this is no jump: two clocks are read one after the other, and one of them is slewed.
// A short hold has a short one, or a jump could be longer than it.
absl::Duration Slack(absl::Duration hold) { return std::min(absl::Minutes(1), hold / 10); }

}  // namespace

AgeClock::AgeClock(absl::Duration hold, absl::Time start, absl::Duration boot)
    : hold_(hold), now_(start), boot_(boot), followed_(boot) {}

absl::Time AgeClock::Now(absl::Time wall, absl::Duration boot) {
  const absl::Time paced = now_ + (boot - boot_);
  boot_ = boot;
  if (wall > paced + Slack(hold_) && boot - followed_ < hold_) {
    now_ = paced;
  } else {
    now_ = wall;
    followed_ = boot;
  }
  return now_;
}

absl::Duration AgeClock::BootTime() {
  timespec time = {};
  (void)::clock_gettime(CLOCK_BOOTTIME, &time);  // cannot fail (clock_gettime(2))
  return absl::DurationFromTimespec(time);
}

}  // namespace proctor
