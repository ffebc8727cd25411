// The handlers of every watcher, on both loops: added, replaced, removed, and what they may do.

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proctor/child_watcher.h"
#include "proctor/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

using ChildWatcherHandlerTest = WatcherTest;

INSTANTIATE_TEST_SUITE_P(All, ChildWatcherHandlerTest, testing::ValuesIn(AllWatchers()),
                         WatcherCaseName);

// conformance 38, 60
TEST_P(ChildWatcherHandlerTest, ASecondAddReplacesTheFirst) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, NeverCalled);
    Add(pid, [this](const ChildExit&) { Stop(); });
    ::kill(pid, SIGKILL);
  });
}

// conformance 39, 40, 61, 82
TEST_P(ChildWatcherHandlerTest, ARemovedHandlerIsNotCalledAndTheChildIsReaped) {
  Run([&] {
    const pid_t removed = Spawn("wait_forever");
    const pid_t other = Spawn("wait_forever");
    EXPECT_FALSE(watcher_->RemoveChildHandler(removed));
    Add(removed, NeverCalled);
    EXPECT_TRUE(watcher_->RemoveChildHandler(removed));
    EXPECT_FALSE(watcher_->RemoveChildHandler(removed));
    ::kill(removed, SIGKILL);
    Add(other, [this](const ChildExit&) { Stop(); });
    ::kill(other, SIGKILL);
  });
  RunUntilNoChild();
}

TEST_P(ChildWatcherHandlerTest, ARemovedChildCanBeAddedAnew) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, NeverCalled);
    EXPECT_TRUE(watcher_->RemoveChildHandler(pid));
    Add(pid, [this](const ChildExit& exit) {
      EXPECT_EQ(exit.returncode(), -SIGTERM);
      Stop();
    });
    ::kill(pid, SIGTERM);
  });
}

// conformance 44
TEST_P(ChildWatcherHandlerTest, AChildThatIsBeingToldIsNotTakenAnew) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "0");
    Add(pid, [&, pid](const ChildExit&) {
      const ChildWatcher::Scope scope(*watcher_);
      EXPECT_FALSE(watcher_->AddChildHandler(pid, NeverCalled).ok());
      EXPECT_FALSE(watcher_->RemoveChildHandler(pid));
      Stop();
    });
  });
}

// conformance 46
TEST_P(ChildWatcherHandlerTest, WhatAHandlerThrowsIsReportedAndEndsNothing) {
  std::vector<std::string> errors;
  loop_->SetErrorHandler([&](const LoopError& error) {
    errors.push_back(absl::StrCat(error.message, ": ", error.status.ToString()));
  });
  int told = 0;
  Run([&] {
    std::vector<pid_t> pids;
    for (int i = 0; i < 3; ++i) {
      pids.push_back(Spawn("wait_forever"));
      Add(pids.back(), [&](const ChildExit&) {
        if (++told == 3) Stop();
        throw std::runtime_error("a handler's own trouble");
      });
    }
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  });
  RunUntilNoChild();
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_NE(errors[0].find("a handler's own trouble"), std::string::npos) << errors[0];
}

// conformance 47
TEST_P(ChildWatcherHandlerTest, AHandlerMaySpawnAddAndRemove) {
  int left = 2;
  const auto last = [&](const ChildExit&) {
    if (--left == 0) Stop();
  };
  Run([&] {
    const pid_t first = Spawn("wait_forever");
    const pid_t second = Spawn("wait_forever");
    const pid_t third = Spawn("wait_forever");
    Add(third, NeverCalled);
    Add(second, last);
    Add(first, [=, this](const ChildExit&) {
      EXPECT_TRUE(watcher_->RemoveChildHandler(third));
      ::kill(third, SIGKILL);
      const ChildWatcher::Scope scope(*watcher_);
      Add(Spawn("exit_with", "4"), last);
      ::kill(second, SIGKILL);
    });
    ::kill(first, SIGKILL);
  });
  EXPECT_EQ(left, 0);
  RunUntilNoChild();
}

// conformance 47, 73
TEST_P(ChildWatcherHandlerTest, AHandlerMayCloseTheWatcher) {
  Run([&] {
    std::vector<pid_t> pids;
    auto told = std::make_shared<int>(0);
    for (int i = 0; i < 4; ++i) {
      pids.push_back(Spawn("wait_forever"));
      Add(pids.back(), [this, told](const ChildExit&) {
        EXPECT_EQ(++*told, 1) << "told by a closed watcher";
        watcher_->Close();
        Stop();
      });
    }
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    for (const pid_t pid : pids) AwaitZombie(pid);
  });
  RunUntilNoChild();
}

// conformance 48
TEST_P(ChildWatcherHandlerTest, RemovesFromAnotherThread) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, NeverCalled);
    std::thread([&, pid] { EXPECT_TRUE(watcher_->RemoveChildHandler(pid)); }).join();
    ::kill(pid, SIGKILL);
    Stop();
  });
  RunUntilNoChild();
}

// conformance 49, 51, 90
TEST_P(ChildWatcherHandlerTest, CloseDropsHandlersAndChildrenAreStillReaped) {
  Run([&] {
    std::vector<pid_t> pids;
    for (int i = 0; i < 5; ++i) {
      pids.push_back(Spawn("wait_forever"));
      Add(pids.back(), NeverCalled);
    }
    watcher_->Close();
    watcher_->Close();
    EXPECT_FALSE(watcher_->IsActive());
    EXPECT_EQ(ErrorReason(watcher_->AddChildHandler(pids[0], NeverCalled)), "WATCHER_CLOSED");
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    AwaitNoChild();
    Stop();
  });
}

TEST_P(ChildWatcherHandlerTest, AChildWithoutAHandlerIsRefused) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    const absl::Status added = watcher_->AddChildHandler(pid, nullptr);
    EXPECT_TRUE(absl::IsInvalidArgument(added)) << added;
    EXPECT_EQ(ErrorVariables(added)["field"], "handler");
    EXPECT_FALSE(watcher_->RemoveChildHandler(pid));
    // It is still to be had.
    Add(pid, [this](const ChildExit&) { Stop(); });
    ::kill(pid, SIGKILL);
  });
}

}  // namespace
}  // namespace proctor
