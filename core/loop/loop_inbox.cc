#include "core/loop/loop_inbox.h"

#include <utility>

#include "core/loop/loop_error.h"

namespace proctor {

absl::Status LoopInbox::Post(LoopCallback& callback) {
  absl::MutexLock lock(&mutex_);
  if (life_ == Life::kClosed) return LoopClosedError();
  posted_.push_back(std::move(callback));
  has_posted_.store(true);
  WakeLocked();
  return absl::OkStatus();
}

void LoopInbox::Stop() {
  stop_requested_.store(true);
  absl::MutexLock lock(&mutex_);
  WakeLocked();
}

void LoopInbox::WakeLocked() {
  if (!waiting_ || woken_) return;
  woken_ = true;
  wake_();
}

absl::Status LoopInbox::BeginRun() {
  absl::MutexLock lock(&mutex_);
  if (life_ == Life::kClosed) return LoopClosedError();
  if (life_ == Life::kRunning) return LoopRunningError("the event loop runs already");
  life_ = Life::kRunning;
  return absl::OkStatus();
}

void LoopInbox::EndRun() {
  absl::MutexLock lock(&mutex_);
  life_ = Life::kIdle;
}

absl::Status LoopInbox::Close(std::vector<LoopCallback>& dropped) {
  absl::MutexLock lock(&mutex_);
  if (life_ == Life::kRunning) return LoopRunningError("cannot close a running event loop");
  life_ = Life::kClosed;
  has_posted_.store(false);
  dropped.swap(posted_);
  return absl::OkStatus();
}

bool LoopInbox::BeginWait() {
  absl::MutexLock lock(&mutex_);
  if (!posted_.empty() || stop_requested()) return false;
  waiting_ = true;
  return true;
}

void LoopInbox::EndWait() {
  absl::MutexLock lock(&mutex_);
  waiting_ = false;
  woken_ = false;
}

void LoopInbox::Take(std::vector<LoopCallback>& taken) {
  absl::MutexLock lock(&mutex_);
  has_posted_.store(false);
  taken.swap(posted_);
}

bool LoopInbox::is_running() const {
  absl::MutexLock lock(&mutex_);
  return life_ == Life::kRunning;
}

bool LoopInbox::is_closed() const {
  absl::MutexLock lock(&mutex_);
  return life_ == Life::kClosed;
}

}  // namespace proctor
