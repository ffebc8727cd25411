#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/loop/selector_event_loop.h"

namespace proctor::server {

// A real loop whose timers go by a clock that the test moves: nothing happens because time
// passes, until LetGo.
//
// Thread-safety: as EventLoop; Advance and LetGo are called on the loop's thread.
class ManualLoop final : public EventLoop {
 public:
  static std::shared_ptr<ManualLoop> Make() {
    return std::shared_ptr<ManualLoop>(new ManualLoop(*SelectorEventLoop::Create()));
  }
  explicit ManualLoop(std::shared_ptr<EventLoop> loop) : loop_(std::move(loop)) {}

  // Moves the clock, and runs what is due by then, in its order.
  void Advance(absl::Duration by) {
    const absl::Duration until = now_ + by;
    while (!timers_.empty() && timers_.begin()->first <= until) {
      now_ = std::max(now_, timers_.begin()->first);
      const std::shared_ptr<LoopHandle::State> timer = timers_.begin()->second;
      timers_.erase(timers_.begin());
      if (timer->callback) std::exchange(timer->callback, nullptr)();
    }
    now_ = until;
  }

  // From now on time passes by itself, so that what waits for it comes to an end.
  void LetGo() {
    let_go_at_ = loop_->Time();
    for (auto& [when, timer] : std::exchange(timers_, {})) Arm(when, timer);
  }

  LoopHandle CallLater(absl::Duration delay, LoopCallback callback) override {
    return CallAt(Time() + delay, std::move(callback));
  }
  LoopHandle CallAt(absl::Duration when, LoopCallback callback) override {
    auto timer = std::make_shared<LoopHandle::State>();
    timer->callback = std::move(callback);
    if (let_go_at_.has_value()) {
      Arm(when, timer);
    } else {
      timers_.emplace(when, timer);
    }
    return LoopHandle(timer);
  }
  absl::Duration Time() const override {
    return let_go_at_.has_value() ? now_ + (loop_->Time() - *let_go_at_) : now_;
  }
  absl::Status Close() override {
    timers_.clear();
    return loop_->Close();
  }

  std::string name() const override { return "manual"; }
  LoopHandle CallSoon(LoopCallback callback) override {
    return loop_->CallSoon(std::move(callback));
  }
  absl::Status CallSoonThreadsafe(LoopCallback callback) override {
    return loop_->CallSoonThreadsafe(std::move(callback));
  }
  absl::Status AddReader(int fd, ReadyCallback callback, Trigger trigger) override {
    return loop_->AddReader(fd, std::move(callback), trigger);
  }
  bool RemoveReader(int fd) override { return loop_->RemoveReader(fd); }
  absl::Status AddWriter(int fd, ReadyCallback callback) override {
    return loop_->AddWriter(fd, std::move(callback));
  }
  bool RemoveWriter(int fd) override { return loop_->RemoveWriter(fd); }
  absl::Status RunForever() override { return loop_->RunForever(); }
  void Stop() override { loop_->Stop(); }
  bool is_running() const override { return loop_->is_running(); }
  bool is_closed() const override { return loop_->is_closed(); }
  void SetErrorHandler(LoopErrorHandler handler) override {
    loop_->SetErrorHandler(std::move(handler));
  }
  void ReportError(const LoopError& error) override { loop_->ReportError(error); }
  void SetDebug(bool debug, absl::Duration slow) override { loop_->SetDebug(debug, slow); }
  bool debug() const override { return loop_->debug(); }
  std::string DebugString() const override { return loop_->DebugString(); }

 private:
  void Arm(absl::Duration when, const std::shared_ptr<LoopHandle::State>& timer) {
    loop_->CallLater(std::max(absl::ZeroDuration(), when - Time()), [timer] {
      if (timer->callback) std::exchange(timer->callback, nullptr)();
    });
  }

  const std::shared_ptr<EventLoop> loop_;
  absl::Duration now_;
  std::optional<absl::Duration> let_go_at_;
  std::multimap<absl::Duration, std::shared_ptr<LoopHandle::State>> timers_;
};

}  // namespace proctor::server
