// Which loop every watcher tells, and what becomes of what it has for a loop that ends.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proctor/child_watcher.h"
#include "proctor/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

using ChildWatcherLoopTest = WatcherTest;

INSTANTIATE_TEST_SUITE_P(All, ChildWatcherLoopTest, testing::ValuesIn(AllWatchers()),
                         WatcherCaseName);

// conformance 54, 69, 76, 81, 94
TEST_P(ChildWatcherLoopTest, AddNeedsARunningLoop) {
  const ChildWatcher::Scope scope(*watcher_);
  const pid_t pid = Spawn("exit_with", "0");
  const absl::Status status = watcher_->AddChildHandler(pid, NeverCalled);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT((std::vector<std::string>{"NO_RUNNING_LOOP", "WATCHER_INACTIVE"}),
              testing::Contains(ErrorReason(status)));
  ReapElsewhere(pid);
}

// conformance 55, 57, 70, 94
TEST_P(ChildWatcherLoopTest, HandlersRunOnTheLoopThatAddedThem) {
  auto other = *NewLoop();
  std::thread thread;
  Run([&] {
    thread = std::thread([&] {
      other->CallSoon([&] {
        const ChildWatcher::Scope scope(*watcher_);
        Add(Spawn("exit_with", "9"), [&, self = std::this_thread::get_id()](const ChildExit& exit) {
          EXPECT_EQ(std::this_thread::get_id(), self);
          EXPECT_EQ(*GetRunningLoop(), other);
          EXPECT_EQ(exit.returncode(), 9);
          other->Stop();
          Stop();
        });
      });
      EXPECT_TRUE(other->RunForever().ok());
    });
  });
  thread.join();
  watcher_->Close();
  other->Stop();
  EXPECT_TRUE(other->RunForever().ok());  // what Close left to it
  EXPECT_TRUE(other->Close().ok());
}

// conformance 56, 71
TEST_P(ChildWatcherLoopTest, AClosedLoopGetsAWarningAndNoCall) {
  auto other = *NewLoop();
  pid_t pid = 0;
  Run([&] {
    std::thread([&] {
      other->CallSoon([&] {
        const ChildWatcher::Scope scope(*watcher_);
        pid = Spawn("wait_forever");
        Add(pid, NeverCalled);
        other->Stop();
      });
      EXPECT_TRUE(other->RunForever().ok());
    }).join();
    EXPECT_TRUE(other->Close().ok());
    ::kill(pid, SIGKILL);
    Stop();
  });
  RunUntilNoChild();
  AwaitWarnings(1);
  EXPECT_NE(Warnings()[0].find("closed"), std::string::npos) << Warnings()[0];
  EXPECT_FALSE(watcher_->RemoveChildHandler(pid)) << "it has no handler any more";
}

// conformance 49
TEST_P(ChildWatcherLoopTest, WhatItHadForALoopGoesWithTheLoop) {
  const auto run_a_loop = [this] {
    std::thread([this] {
      auto loop = *NewLoop();
      loop->CallSoon([&] {
        const ChildWatcher::Scope scope(*watcher_);
        Add(Spawn("exit_with", "0"), [&](const ChildExit&) { loop->Stop(); });
      });
      EXPECT_TRUE(loop->RunForever().ok());
      EXPECT_TRUE(loop->Close().ok());
    }).join();
  };
  std::thread others;
  loop_->CallSoon([&] {  // some watchers are active only while it runs
    others = std::thread([&] {
      run_a_loop();
      const LeakCheck leaks;
      for (int i = 0; i < 20; ++i) run_a_loop();
      Stop();
    });
  });
  ASSERT_TRUE(loop_->RunForever().ok());
  others.join();
}

}  // namespace
}  // namespace proctor
