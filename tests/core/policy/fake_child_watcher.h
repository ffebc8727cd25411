#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "proctor/child_watcher.h"

namespace proctor {

// A watcher that notes what is done to it.
class FakeChildWatcher : public ChildWatcher {
 public:
  std::string name() const override { return "fake"; }
  using ChildWatcher::AddChildHandler;
  absl::Status AddChildHandler(ChildRef, ChildHandler) override { return absl::OkStatus(); }
  bool RemoveChildHandler(pid_t) override { return false; }
  absl::Status AttachLoop(std::shared_ptr<EventLoop> loop) override {
    absl::MutexLock lock(&mutex_);
    attached_.push_back(std::move(loop));
    return attach_result_;
  }
  bool IsActive() const override { return true; }
  void Close() override {
    absl::MutexLock lock(&mutex_);
    ++closes_;
  }
  void EnterScope() override {}
  void ExitScope() override {}
  std::string DebugString() const override { return "fake"; }

  void RefuseToAttach(absl::Status why) {
    absl::MutexLock lock(&mutex_);
    attach_result_ = std::move(why);
  }
  // The arguments of AttachLoop, in order.
  std::vector<std::shared_ptr<EventLoop>> attached() const {
    absl::MutexLock lock(&mutex_);
    return attached_;
  }
  int closes() const {
    absl::MutexLock lock(&mutex_);
    return closes_;
  }

 private:
  mutable absl::Mutex mutex_;
  absl::Status attach_result_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<EventLoop>> attached_ ABSL_GUARDED_BY(mutex_);
  int closes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace proctor
