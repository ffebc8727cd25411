#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/loop/base_event_loop.h"

namespace proctor {

// A loop whose waits are played by the test, and noted.
class ScriptedEventLoop final : public BaseEventLoop {
 public:
  static std::shared_ptr<ScriptedEventLoop> Create() {
    return std::shared_ptr<ScriptedEventLoop>(new ScriptedEventLoop);
  }
  ~ScriptedEventLoop() override { Close().IgnoreError(); }

  std::string name() const override { return "scripted"; }
  bool SupportsChildWatchers() const override { return supports_child_watchers; }

  using BaseEventLoop::OnReady;

  struct Change {
    int fd;
    Interest interest;
    uint64_t before;
    uint64_t after;
  };

  bool supports_child_watchers = true;
  std::function<void()> on_wait = [] {};  // what happens during each wait
  std::deque<absl::Status> answers;       // of ChangeInterest; then OK
  std::vector<absl::Duration> timeouts;   // of the waits
  std::vector<Change> changes;
  int wakes = 0;
  int releases = 0;

 protected:
  absl::Status ChangeInterest(int fd, const Interest& interest, uint64_t before,
                              uint64_t after) override {
    changes.push_back({fd, interest, before, after});
    if (answers.empty()) return absl::OkStatus();
    absl::Status answer = answers.front();
    answers.pop_front();
    return answer;
  }
  void WaitForReadiness(absl::Duration timeout) override {
    timeouts.push_back(timeout);
    on_wait();
  }
  void WakeUp() override { ++wakes; }
  void ReleaseWaiting() override { ++releases; }

 private:
  ScriptedEventLoop() = default;
};

}  // namespace proctor
