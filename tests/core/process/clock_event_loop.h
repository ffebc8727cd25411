#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/loop/base_event_loop.h"

namespace proctor {

// A loop whose time passes only while it waits, and then at once: timers run in their order, and
// a test takes no longer for them. It ends when there is nothing left to wait for. Descriptors
// never become ready by themselves.
class ClockEventLoop final : public BaseEventLoop {
 public:
  static std::shared_ptr<ClockEventLoop> Create() {
    auto loop = std::shared_ptr<ClockEventLoop>(new ClockEventLoop);
    loop->SetErrorHandler(
        [raw = loop.get()](const LoopError& error) { raw->errors.push_back(error.message); });
    return loop;
  }
  ~ClockEventLoop() override { Close().IgnoreError(); }

  std::string name() const override { return "clock"; }
  absl::Duration Time() const override { return now_; }

  // Runs all that is scheduled, and what that schedules.
  void RunAll() { RunForever().IgnoreError(); }

  // Runs what is due within this time, and lets it pass.
  void RunFor(absl::Duration time) {
    CallLater(time, [this] { Stop(); });
    RunForever().IgnoreError();
  }

  std::vector<std::string> errors;  // that were reported

 protected:
  absl::Status ChangeInterest(int, const Interest&, uint64_t, uint64_t) override {
    return absl::OkStatus();
  }
  void WaitForReadiness(absl::Duration timeout) override {
    if (timeout == absl::InfiniteDuration()) return Stop();
    now_ += std::max(timeout, absl::ZeroDuration());
  }
  void WakeUp() override {}
  void ReleaseWaiting() override {}

 private:
  ClockEventLoop() = default;

  absl::Duration now_ = absl::Seconds(1);
};

}  // namespace proctor
