#include "server/log/line_budget.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::server {

// The lines that are left are the time since the budget was empty. A clock that was set back is
// one that stood still.
std::optional<uint64_t> LineBudget::Take(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  empty_since_ = std::clamp(empty_since_, now - burst_ * pause_, now);
  if (now - empty_since_ < pause_) {
    ++untold_;
    return std::nullopt;
  }
  empty_since_ += pause_;
  return std::exchange(untold_, 0);
}

uint64_t LineBudget::TakeUntold() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(untold_, 0);
}

std::string UntoldText(uint64_t untold) {
  return untold == 0 ? "" : absl::StrCat(" untold=", untold);
}

}  // namespace proctor::server
