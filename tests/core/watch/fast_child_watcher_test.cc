#include "core/watch/fast_child_watcher.h"

#include "proctor/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

class FastChildWatcherTest : public WatcherTest {
 protected:
  // Runs `test` on the loop outside of any scope.
  void RunOutside(LoopCallback test) {
    loop_->CallSoon(std::move(test));
    ASSERT_TRUE(loop_->RunForever().ok());
  }

  // Adds a child on a loop of the calling thread, calls `then` there, and closes the loop; the
  // child runs on.
  pid_t AddOnALoopThatIsClosed(const std::function<void(pid_t)>& then) {
    pid_t pid = 0;
    auto loop = *NewLoop();
    loop->CallSoon([&] {
      {
        const ChildWatcher::Scope scope(*watcher_);
        pid = Spawn("wait_forever");
        Add(pid, NeverCalled);
      }
      then(pid);
      loop->Stop();
    });
    EXPECT_TRUE(loop->RunForever().ok());
    EXPECT_TRUE(loop->Close().ok());
    return pid;
  }
};

INSTANTIATE_TEST_SUITE_P(All, FastChildWatcherTest,
                         testing::ValuesIn(WithBothLoops({"fast", "faststrict"})), WatcherCaseName);

// conformance 83
TEST_P(FastChildWatcherTest, AddOutsideOfAScopeIsAnError) {
  RunOutside([&] {
    const pid_t pid = Spawn("wait_forever");
    const absl::Status added = watcher_->AddChildHandler(pid, NeverCalled);
    EXPECT_EQ(added.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ErrorReason(added), "NO_SCOPE");
    ::kill(pid, SIGKILL);
    ReapElsewhere(pid);
    Stop();
  });
}

// conformance 84
TEST_P(FastChildWatcherTest, AnUnknownExitWithinAScopeIsDeliveredAtAdd) {
  auto scope = std::make_unique<ChildWatcher::Scope>(*watcher_);
  pid_t pid = 0;
  RunOutside([&] {
    pid = Spawn("exit_with", "8");
    AwaitZombie(pid);
    // Turns in which it could be reaped.
    loop_->CallSoon([&] { loop_->CallSoon([this] { Stop(); }); });
  });
  RunOutside([&] {
    Add(pid, [this](const ChildExit& exit) {
      EXPECT_EQ(exit.returncode(), 8);
      EXPECT_EQ(exit.status.source, StatusSource::kWaited);
      Stop();
    });
  });
  scope.reset();
  EXPECT_TRUE(Warnings().empty());
}

// conformance 85
TEST_P(FastChildWatcherTest, LeftoversAreDiscardedAtTheOutermostExitWithOneWarning) {
  RunOutside([&] {
    pid_t first = 0;
    pid_t second = 0;
    {
      const ChildWatcher::Scope outer(*watcher_);
      {
        const ChildWatcher::Scope inner(*watcher_);
        first = Spawn("exit_with", "1");
        AwaitZombie(first);
      }
      EXPECT_FALSE(IsReaped(first)) << "at the end of an inner scope";
      second = Spawn("exit_with", "2");
      AwaitZombie(second);
    }
    EXPECT_TRUE(IsReaped(first));
    EXPECT_TRUE(IsReaped(second));
    const std::vector<std::string> warnings = Warnings();
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find(absl::StrCat(first)), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[0].find(absl::StrCat(second)), std::string::npos) << warnings[0];
    Stop();
  });
}

// conformance 86, 89
TEST_P(FastChildWatcherTest, UnknownExitsOutsideOfAScopeAreReapedWithAWarningEach) {
  // In thread reach it looks where it has children.
  Run([&] { Add(Spawn("exit_with", "0"), [this](const ChildExit&) { Stop(); }); });
  pid_t pids[3] = {};
  RunOutside([&] {
    for (pid_t& pid : pids) pid = Spawn("exit_with", "7");
    for (const pid_t pid : pids) AwaitZombie(pid);
    Stop();
  });
  RunUntilNoChild();
  const std::vector<std::string> warnings = Warnings();
  ASSERT_EQ(warnings.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(warnings[i].find(absl::StrCat(pids[i])), std::string::npos) << warnings[i];
    EXPECT_NE(warnings[i].find("7"), std::string::npos) << warnings[i];
  }
}

// conformance 92
TEST_P(FastChildWatcherTest, ARemovedChildIsReapedWithAWarning) {
  pid_t pid = 0;
  Run([&] {
    pid = Spawn("wait_forever");
    Add(pid, NeverCalled);
    EXPECT_TRUE(watcher_->RemoveChildHandler(pid));
    ::kill(pid, SIGKILL);
    AwaitZombie(pid);
    Stop();
  });
  RunUntilNoChild();
  ASSERT_EQ(Warnings().size(), 1u);
  EXPECT_NE(Warnings()[0].find(absl::StrCat(pid)), std::string::npos);
}

// conformance 90, 92
TEST_P(FastChildWatcherTest, ARemovedChildIsReapedAlsoAfterClose) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, NeverCalled);
    EXPECT_TRUE(watcher_->RemoveChildHandler(pid));
    watcher_->Close();
    ::kill(pid, SIGKILL);
    Stop();
  });
  AwaitNoChild();
}

// conformance 87: what a thread spawned is its own. In process reach it is taken.
TEST_P(FastChildWatcherTest, ReachesTheThreadsChildrenOrAllOfThem) {
  absl::Mutex mutex;
  pid_t foreign = 0;
  bool done = false;
  std::thread other([&] {
    const pid_t spawned = Spawn("wait_forever");
    absl::MutexLock lock(&mutex);
    foreign = spawned;
    mutex.Await(absl::Condition(&done));
  });
  {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(
        +[](pid_t* pid) { return *pid != 0; }, &foreign));
  }
  Run([&] {
    ::kill(foreign, SIGKILL);
    AwaitZombie(foreign);
    const pid_t own = Spawn("wait_forever");
    Add(own, [&](const ChildExit&) { Stop(); });
    ::kill(own, SIGKILL);
  });
  if (GetParam().watcher == "fast") {
    EXPECT_FALSE(IsReaped(foreign));
    ReapElsewhere(foreign);
    EXPECT_TRUE(Warnings().empty());
  } else {
    RunUntilNoChild();
    ASSERT_EQ(Warnings().size(), 1u);
  }
  absl::MutexLock lock(&mutex);
  done = true;
  mutex.Unlock();
  other.join();
  mutex.Lock();
}

// A loop that is closed with a look on its way does not end the looking.
TEST_P(FastChildWatcherTest, ARemovedChildIsReapedWhateverBecameOfTheLoopBefore) {
  std::thread others([&] {
    while (!loop_->is_running()) std::this_thread::yield();
    for (int round = 0; round < 3; ++round) {
      // The look that the removal asks for is dropped with the loop.
      const pid_t removed = AddOnALoopThatIsClosed(
          [&](pid_t pid) { EXPECT_TRUE(watcher_->RemoveChildHandler(pid)); });
      ::kill(removed, SIGKILL);
      while (!IsReaped(removed)) std::this_thread::yield();
    }
    Stop();
  });
  ASSERT_TRUE(loop_->RunForever().ok());
  others.join();
}

TEST_P(FastChildWatcherTest, AChildThatIsRemovedAfterItsLoopWasClosedIsReaped) {
  std::thread others([&] {
    while (!loop_->is_running()) std::this_thread::yield();
    const pid_t removed = AddOnALoopThatIsClosed([](pid_t) {});
    EXPECT_TRUE(watcher_->RemoveChildHandler(removed));
    ::kill(removed, SIGKILL);
    while (!IsReaped(removed)) std::this_thread::yield();
    Stop();
  });
  ASSERT_TRUE(loop_->RunForever().ok());
  others.join();
}

// The same thread with one loop after another, each with children of its own.
TEST_P(FastChildWatcherTest, AThreadsNextLoopLooksOnWhereTheOneBeforeWasClosed) {
  std::thread others([&] {
    while (!loop_->is_running()) std::this_thread::yield();
    for (int round = 0; round < 3; ++round) {
      auto loop = *NewLoop();
      const pid_t unknown = round == 0 ? 0 : Spawn("exit_with", "0");
      // Its signal comes while there is no loop; the attached one may reap it.
      siginfo_t info{};
      if (unknown != 0) ::waitid(P_PID, static_cast<id_t>(unknown), &info, WEXITED | WNOWAIT);
      loop->CallSoon([&] {
        const ChildWatcher::Scope scope(*watcher_);
        Add(Spawn("exit_with", "0"), [&](const ChildExit&) { loop->Stop(); });
      });
      EXPECT_TRUE(loop->RunForever().ok());
      while (unknown != 0 &&
             !IsReaped(unknown)) {  // in a turn of this loop, or of the attached one
        loop->Stop();
        EXPECT_TRUE(loop->RunForever().ok());
      }
      EXPECT_TRUE(loop->Close().ok());
    }
    Stop();
  });
  ASSERT_TRUE(loop_->RunForever().ok());
  others.join();
}

// A child that another watcher of this process waits for is left to it.
TEST_P(FastChildWatcherTest, LeavesTheChildrenOfOtherWatchersAlone) {
  auto other = *NewWatcher("threaded");
  int left = 2;
  Run([&] {
    const pid_t theirs = Spawn("wait_forever");
    const pid_t own = Spawn("wait_forever");
    const auto told = [&](const ChildExit& exit) {
      EXPECT_EQ(exit.status.source, StatusSource::kWaited);
      if (--left == 0) Stop();
    };
    EXPECT_TRUE(other->AddChildHandler(theirs, told).ok());
    Add(own, told);
    ::kill(theirs, SIGKILL);
    ::kill(own, SIGKILL);
  });
  EXPECT_TRUE(Warnings().empty());
}

}  // namespace
}  // namespace proctor
