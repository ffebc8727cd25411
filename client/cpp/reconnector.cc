#include "proctor/client/reconnector.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace proctor::client {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(1);

}  // namespace

bool Reconnector::Await(const absl::Status& error) {
  if (!IsLost(error) || policy_.longest <= absl::ZeroDuration()) return false;
  const absl::Time now = absl::Now();
  if (!lost_) {
    lost_ = true;
    deadline_ = now + policy_.longest;
    pause_ = kFirstPause;
    if (policy_.on_lost) policy_.on_lost(error);
  }
  if (now >= deadline_) return false;
  const absl::Time next = std::min(now + pause_, deadline_);
  pause_ = std::min(2 * pause_, kLongestPause);
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithDeadline(absl::Condition(&cancelled_), next);
}

void Reconnector::Cancel() {
  absl::MutexLock lock(&mutex_);
  cancelled_ = true;
}

}  // namespace proctor::client
