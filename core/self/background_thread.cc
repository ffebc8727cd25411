#include "core/self/background_thread.h"

#include <utility>

#include "core/base/return_if_error.h"
#include "core/self/detached_thread.h"

namespace proctor {

absl::Status BackgroundThread::Post(absl::AnyInvocable<void()> work) {
  absl::MutexLock lock(&mutex_);
  if (!started_) {
    RETURN_IF_ERROR(StartDetachedThread([this] { Run(); }));
    started_ = true;
  }
  pieces_.push_back(std::move(work));
  return absl::OkStatus();
}

void BackgroundThread::Run() {
  const auto some = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !pieces_.empty(); };
  for (;;) {
    absl::AnyInvocable<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&some));
      work = std::move(pieces_.front());
      pieces_.pop_front();
    }
    work();
  }
}

}  // namespace proctor
