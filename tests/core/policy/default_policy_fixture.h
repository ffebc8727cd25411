#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "core/loop/selector_event_loop.h"
#include "proctor/default_event_loop_policy.h"
#include "tests/core/policy/fake_child_watcher.h"

namespace proctor {

// The default policy with fake watchers, which it counts.
class DefaultPolicyFixture : public testing::Test {
 protected:
  static void OnAnotherThread(std::function<void()> function) {
    std::thread(std::move(function)).join();
  }

  static std::shared_ptr<EventLoop> NewLoop() { return *SelectorEventLoop::Create(); }

  std::atomic<int> watchers_made_ = 0;
  std::shared_ptr<DefaultEventLoopPolicy> policy_ =
      std::make_shared<DefaultEventLoopPolicy>([this] {
        ++watchers_made_;
        return std::make_shared<FakeChildWatcher>();
      });
};

}  // namespace proctor
