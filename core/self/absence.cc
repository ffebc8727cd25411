#include "core/self/absence.h"

#include <time.h>

#include <algorithm>

namespace proctor {
namespace {

// A tick that is later than this was kept from coming.
const absl::Duration kSlack = 2 * Absence::kTick;

// No deadline spans more of them.
constexpr size_t kMostGaps = 64;

absl::Duration MonotonicTime() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace

Absence::Absence() : Absence(&MonotonicTime) {}

void Absence::Tick() {
  const absl::Duration now = clock_();
  absl::MutexLock lock(&mutex_);
  if (now - last_tick_ > kSlack) {
    gaps_.push_back({last_tick_, now});
    if (gaps_.size() > kMostGaps) gaps_.pop_front();
  }
  last_tick_ = now;
}

absl::Duration Absence::Within(absl::Duration span) const {
  const absl::Duration now = clock_();
  const absl::Duration since = now - span;
  absl::Duration away;
  const auto add = [&](const Gap& gap) {
    away += std::max(std::min(gap.to, now) - std::max(gap.from, since), absl::ZeroDuration());
  };
  absl::MutexLock lock(&mutex_);
  for (const Gap& gap : gaps_) add(gap);
  if (now - last_tick_ > kSlack) add({last_tick_, now});
  return away;
}

}  // namespace proctor
