#include <map>
#include <thread>

#include "core/base/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

using ChildWatcherTest = WatcherTest;

INSTANTIATE_TEST_SUITE_P(All, ChildWatcherTest, testing::Values("pidfd", "threaded"),
                         [](const auto& info) { return info.param; });

// conformance 33, 34
TEST_P(ChildWatcherTest, ReportsEveryExitCodeOnce) {
  std::map<int, int> calls;
  int left = 256;
  Run([&] {
    for (int code = 0; code < 256; ++code) {
      const pid_t pid = Spawn("exit_with", absl::StrCat(code));
      ASSERT_TRUE(watcher_
                      ->AddChildHandler(pid,
                                        [&, pid, code](const ChildExit& exit) {
                                          EXPECT_EQ(exit.pid, pid);
                                          EXPECT_EQ(exit.returncode(), code);
                                          EXPECT_EQ(exit.status.source, StatusSource::kWaited);
                                          EXPECT_TRUE(exit.status.has_usage);
                                          ++calls[code];
                                          if (--left == 0) Stop();
                                        })
                      .ok());
    }
  });
  EXPECT_EQ(calls.size(), 256u);
  for (const auto& [code, count] : calls) EXPECT_EQ(count, 1) << code;
}

// conformance 35
TEST_P(ChildWatcherTest, ReportsSignalsAsNegative) {
  const std::vector<int> signals = {SIGTERM, SIGKILL, SIGINT, SIGUSR1, SIGRTMIN};
  size_t left = signals.size();
  Run([&] {
    for (const int signal : signals) {
      const pid_t pid = Spawn("kill_self", absl::StrCat(signal));
      ASSERT_TRUE(watcher_
                      ->AddChildHandler(pid,
                                        [&, signal](const ChildExit& exit) {
                                          EXPECT_EQ(exit.returncode(), -signal);
                                          if (--left == 0) Stop();
                                        })
                      .ok());
    }
  });
}

// conformance 37
TEST_P(ChildWatcherTest, SaysNothingOfAChildThatStopsAndContinues) {
  bool killed = false;
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(pid,
                                      [&](const ChildExit& exit) {
                                        EXPECT_TRUE(killed);
                                        EXPECT_EQ(exit.returncode(), -SIGKILL);
                                        Stop();
                                      })
                    .ok());
    siginfo_t info{};
    ::kill(pid, SIGSTOP);
    EXPECT_EQ(::waitid(P_PID, pid, &info, WSTOPPED), 0);
    ::kill(pid, SIGCONT);
    EXPECT_EQ(::waitid(P_PID, pid, &info, WCONTINUED), 0);
    // A turn in which a false report would show itself.
    loop_->CallSoon([&, pid] {
      killed = true;
      ::kill(pid, SIGKILL);
    });
  });
}

// conformance 38
TEST_P(ChildWatcherTest, ASecondAddReplacesTheFirst) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    ASSERT_TRUE(watcher_->AddChildHandler(pid, [](const ChildExit&) { FAIL(); }).ok());
    ASSERT_TRUE(watcher_->AddChildHandler(pid, [this](const ChildExit&) { Stop(); }).ok());
    ::kill(pid, SIGKILL);
  });
}

// conformance 39, 40
TEST_P(ChildWatcherTest, ARemovedHandlerIsNotCalledAndTheChildIsReaped) {
  pid_t removed = 0;
  Run([&] {
    removed = Spawn("wait_forever");
    const pid_t other = Spawn("wait_forever");
    EXPECT_FALSE(watcher_->RemoveChildHandler(removed));
    ASSERT_TRUE(watcher_->AddChildHandler(removed, [](const ChildExit&) { FAIL(); }).ok());
    EXPECT_TRUE(watcher_->RemoveChildHandler(removed));
    EXPECT_FALSE(watcher_->RemoveChildHandler(removed));
    ::kill(removed, SIGKILL);
    ASSERT_TRUE(watcher_->AddChildHandler(other, [this](const ChildExit&) { Stop(); }).ok());
    ::kill(other, SIGKILL);
  });
  AwaitNoChild();
}

TEST_P(ChildWatcherTest, ARemovedChildCanBeAddedAnew) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    ASSERT_TRUE(watcher_->AddChildHandler(pid, [](const ChildExit&) { FAIL(); }).ok());
    EXPECT_TRUE(watcher_->RemoveChildHandler(pid));
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(pid,
                                      [this](const ChildExit& exit) {
                                        EXPECT_EQ(exit.returncode(), -SIGTERM);
                                        Stop();
                                      })
                    .ok());
    ::kill(pid, SIGTERM);
  });
}

// conformance 41, 42
TEST_P(ChildWatcherTest, TwoChildrenAreToldApart) {
  int left = 2;
  Run([&] {
    const pid_t first = Spawn("wait_forever");
    const pid_t second = Spawn("wait_forever");
    for (const auto& [pid, signal] : {std::pair{first, SIGKILL}, {second, SIGTERM}}) {
      ASSERT_TRUE(watcher_
                      ->AddChildHandler(pid,
                                        [&, pid = pid, signal = signal](const ChildExit& exit) {
                                          EXPECT_EQ(exit.pid, pid);
                                          EXPECT_EQ(exit.returncode(), -signal);
                                          if (--left == 0) Stop();
                                        })
                      .ok());
    }
    ::kill(first, SIGKILL);
    ::kill(second, SIGTERM);
  });
}

// conformance 43
TEST_P(ChildWatcherTest, AnExitBeforeAddIsReportedAndNeverFromWithinAdd) {
  bool inside = true;
  Run([&] {
    const pid_t pid = Spawn("exit_with", "7");
    AwaitZombie(pid);
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(pid,
                                      [&, pid](const ChildExit& exit) {
                                        EXPECT_FALSE(inside);
                                        EXPECT_EQ(exit.returncode(), 7);
                                        EXPECT_EQ(*GetRunningLoop(), loop_);
                                        EXPECT_FALSE(IsReaped(pid)) << "told after the reaping";
                                        Stop();
                                      })
                    .ok());
    inside = false;
  });
}

// conformance 44
TEST_P(ChildWatcherTest, AChildThatIsBeingToldIsNotTakenAnew) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "0");
    ASSERT_TRUE(
        watcher_
            ->AddChildHandler(
                pid,
                [&, pid](const ChildExit&) {
                  EXPECT_FALSE(
                      watcher_->AddChildHandler(pid, [](const ChildExit&) { FAIL(); }).ok());
                  EXPECT_FALSE(watcher_->RemoveChildHandler(pid));
                  Stop();
                })
            .ok());
  });
}

// conformance 45
TEST_P(ChildWatcherTest, AChildReapedBySomebodyElseIsNeverASuccessByMistake) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(pid,
                                      [&](const ChildExit& exit) {
                                        if (exit.status.source == StatusSource::kRecovered) {
                                          EXPECT_EQ(exit.returncode(), -SIGKILL);
                                        } else if (exit.status.source == StatusSource::kUnknown) {
                                          EXPECT_EQ(exit.returncode(), 255);
                                          EXPECT_EQ(exit.status.reason, "REAPED_ELSEWHERE");
                                          EXPECT_EQ(warnings_.size(), 1u);
                                        } else {
                                          EXPECT_EQ(exit.returncode(), -SIGKILL);
                                        }
                                        Stop();
                                      })
                    .ok());
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, pid, &info, WEXITED);
  });
}

// conformance 47
TEST_P(ChildWatcherTest, AHandlerMaySpawnAddAndRemove) {
  int left = 2;
  const auto last = [&](const ChildExit&) {
    if (--left == 0) Stop();
  };
  Run([&] {
    const pid_t first = Spawn("wait_forever");
    const pid_t second = Spawn("wait_forever");
    const pid_t third = Spawn("wait_forever");
    ASSERT_TRUE(watcher_->AddChildHandler(third, [](const ChildExit&) { FAIL(); }).ok());
    ASSERT_TRUE(watcher_->AddChildHandler(second, last).ok());
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(first,
                                      [=, this](const ChildExit&) {
                                        EXPECT_TRUE(watcher_->RemoveChildHandler(third));
                                        ::kill(third, SIGKILL);
                                        const pid_t fourth = Spawn("exit_with", "4");
                                        EXPECT_TRUE(watcher_->AddChildHandler(fourth, last).ok());
                                        ::kill(second, SIGKILL);
                                      })
                    .ok());
    ::kill(first, SIGKILL);
  });
  EXPECT_EQ(left, 0);
  AwaitNoChild();
}

// conformance 48
TEST_P(ChildWatcherTest, RemovesFromAnotherThread) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    ASSERT_TRUE(watcher_->AddChildHandler(pid, [](const ChildExit&) { FAIL(); }).ok());
    std::thread([&, pid] { EXPECT_TRUE(watcher_->RemoveChildHandler(pid)); }).join();
    ::kill(pid, SIGKILL);
    AwaitNoChild();
    loop_->CallSoon([this] { Stop(); });
  });
}

// conformance 49, 51
TEST_P(ChildWatcherTest, CloseDropsHandlersAndChildrenAreStillReaped) {
  Run([&] {
    std::vector<pid_t> pids;
    for (int i = 0; i < 5; ++i) {
      pids.push_back(Spawn("wait_forever"));
      ASSERT_TRUE(watcher_->AddChildHandler(pids.back(), [](const ChildExit&) { FAIL(); }).ok());
    }
    watcher_->Close();
    watcher_->Close();
    EXPECT_FALSE(watcher_->IsActive());
    EXPECT_EQ(ErrorReason(watcher_->AddChildHandler(pids[0], [](const ChildExit&) { FAIL(); })),
              "WATCHER_CLOSED");
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    AwaitNoChild();
    Stop();
  });
}

// conformance 54, 69, 94
TEST_P(ChildWatcherTest, AddNeedsARunningLoopOnItsThread) {
  const pid_t pid = Spawn("exit_with", "0");
  const absl::Status status = watcher_->AddChildHandler(pid, [](const ChildExit&) { FAIL(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "NO_RUNNING_LOOP");
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PID, pid, &info, WEXITED), 0);
}

// conformance 55, 57, 94
TEST_P(ChildWatcherTest, HandlersRunOnTheLoopThatAddedThem) {
  auto other = *SelectorEventLoop::Create();
  std::thread([&] {
    other->CallSoon([&] {
      const pid_t pid = Spawn("exit_with", "9");
      EXPECT_TRUE(
          watcher_
              ->AddChildHandler(pid,
                                [&, thread = std::this_thread::get_id()](const ChildExit& exit) {
                                  EXPECT_EQ(std::this_thread::get_id(), thread);
                                  EXPECT_EQ(*GetRunningLoop(), other);
                                  EXPECT_EQ(exit.returncode(), 9);
                                  other->Stop();
                                })
              .ok());
    });
    EXPECT_TRUE(other->RunForever().ok());
  }).join();
  EXPECT_TRUE(other->Close().ok());
}

// A long list of children, with the descriptors and zombies counted at the end.
TEST_P(ChildWatcherTest, ReportsAThousandChildren) {
  std::map<pid_t, int> expected;
  int left = 1000;
  Run([&] {
    for (int i = 0; i < 1000; ++i) {
      const pid_t pid = Spawn("exit_with", absl::StrCat(i % 256));
      expected[pid] = i % 256;
      ASSERT_TRUE(watcher_
                      ->AddChildHandler(pid,
                                        [&](const ChildExit& exit) {
                                          auto found = expected.find(exit.pid);
                                          ASSERT_NE(found, expected.end()) << "told twice";
                                          EXPECT_EQ(exit.returncode(), found->second);
                                          expected.erase(found);
                                          if (--left == 0) Stop();
                                        })
                      .ok());
    }
  });
  EXPECT_TRUE(expected.empty());
}

}  // namespace
}  // namespace proctor
