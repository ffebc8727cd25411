#include "core/watch/safe_child_watcher.h"

#include "proctor/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

// The Safe watcher, and the Fast one where it has to do the same (conformance 91).
class AttachedChildWatcherTest : public WatcherTest {
 protected:
  // A child with a handler, and its exit while nobody is attached.
  pid_t AddThenExitDetached(ChildHandler handler) {
    pid_t pid = 0;
    Run([&] {
      pid = Spawn("wait_forever");
      Add(pid, std::move(handler));
      Stop();
    });
    EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
    ::kill(pid, SIGTERM);
    AwaitZombie(pid);
    return pid;
  }
};

INSTANTIATE_TEST_SUITE_P(All, AttachedChildWatcherTest,
                         testing::ValuesIn(WithBothLoops({"safe", "fast", "faststrict"})),
                         WatcherCaseName);

// conformance 74, 91
TEST_P(AttachedChildWatcherTest, TakesSigchldWhileAttached) {
  const auto handler = [] {
    struct sigaction current {};
    EXPECT_EQ(::sigaction(SIGCHLD, nullptr, &current), 0);
    return current.sa_handler;
  };
  EXPECT_NE(handler(), SIG_DFL);
  EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
  EXPECT_EQ(handler(), SIG_DFL);
}

// conformance 75, 91
TEST_P(AttachedChildWatcherTest, AttachesOnTheMainThreadOnly) {
  std::thread([&] {
    const absl::Status attached = watcher_->AttachLoop(loop_);
    EXPECT_EQ(attached.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ErrorReason(attached), "NOT_MAIN_THREAD");
  }).join();
}

// conformance 76, 81, 91
TEST_P(AttachedChildWatcherTest, IsActiveOnlyWhileTheAttachedLoopRuns) {
  EXPECT_FALSE(watcher_->IsActive());
  Run([&] {
    EXPECT_TRUE(watcher_->IsActive());
    std::thread([&] { EXPECT_TRUE(watcher_->IsActive()); }).join();
    EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
    EXPECT_FALSE(watcher_->IsActive());
    // Before any wait: the child is still there for others.
    const pid_t pid = Spawn("exit_with", "0");
    EXPECT_EQ(ErrorReason(watcher_->AddChildHandler(pid, NeverCalled)), "WATCHER_INACTIVE");
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PID, pid, &info, WEXITED), 0);
    Stop();
  });
}

// conformance 77, 79, 91
TEST_P(AttachedChildWatcherTest, KeepsHandlersWhileDetachedAndReportsAtTheNextAttach) {
  int told = 0;
  AddThenExitDetached([&](const ChildExit& exit) {
    EXPECT_EQ(exit.returncode(), -SIGTERM);
    ++told;
    Stop();
  });
  ASSERT_EQ(Warnings().size(), 1u);
  EXPECT_NE(Warnings()[0].find("detached"), std::string::npos);
  loop_->Stop();
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_EQ(told, 0) << "told while detached";
  ASSERT_TRUE(watcher_->AttachLoop(loop_).ok());
  ASSERT_TRUE(loop_->RunForever().ok());
  EXPECT_EQ(told, 1);
}

// conformance 78, 91
TEST_P(AttachedChildWatcherTest, SwitchesLoopsAndKeepsHandlers) {
  auto next = *NewLoop();
  pid_t pid = 0;
  bool told = false;
  const auto turn = [](EventLoop& loop) {
    loop.Stop();
    ASSERT_TRUE(loop.RunForever().ok());
  };
  Run([&] {
    pid = Spawn("wait_forever");
    Add(pid, [&](const ChildExit&) { told = true; });
    Stop();
  });
  ASSERT_TRUE(watcher_->AttachLoop(next).ok());
  EXPECT_TRUE(Warnings().empty());
  ::kill(pid, SIGKILL);
  AwaitZombie(pid);
  turn(*next);
  EXPECT_FALSE(told) << "told on another loop than that which added it";
  while (!told) turn(*loop_);
  watcher_->Close();
  turn(*next);
  EXPECT_TRUE(next->Close().ok());
}

// The loop is closed under the watcher.
TEST_P(AttachedChildWatcherTest, IsInactiveOnceItsLoopIsClosedAndCanBeAttachedAnew) {
  auto other = *NewLoop();
  ASSERT_TRUE(watcher_->AttachLoop(other).ok());
  EXPECT_TRUE(other->Close().ok());
  EXPECT_FALSE(watcher_->IsActive());
  ASSERT_TRUE(watcher_->AttachLoop(loop_).ok());
  Run([&] { Add(Spawn("exit_with", "0"), [this](const ChildExit&) { Stop(); }); });
}

class SafeChildWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, SafeChildWatcherTest,
                         testing::ValuesIn(WithBothLoops({"safe", "multiloop", "threaded", "pidfd",
                                                          "uring", "fast"})),
                         WatcherCaseName);

// conformance 80: also for the other watchers, and for the Fast one as long as the child
// is another thread's.
TEST_P(SafeChildWatcherTest, ChildrenOfOtherCodeAreUntouched) {
  pid_t foreign = 0;
  std::thread([&] { foreign = Spawn("exit_with", "5"); }).join();
  if (GetParam().watcher == "fast") {
    ReapElsewhere(foreign);  // its thread has ended, which makes it this thread's
    std::thread keeper;
    absl::Mutex mutex;
    bool done = false;
    pid_t kept = 0;
    keeper = std::thread([&] {
      const pid_t spawned = Spawn("exit_with", "5");
      AwaitZombie(spawned);
      absl::MutexLock lock(&mutex);
      kept = spawned;
      mutex.Await(absl::Condition(&done));
      siginfo_t info{};
      EXPECT_EQ(::waitid(P_PID, spawned, &info, WEXITED), 0);
      EXPECT_EQ(info.si_status, 5);
    });
    {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(
          +[](pid_t* pid) { return *pid != 0; }, &kept));
    }
    Run([&] { Add(Spawn("exit_with", "6"), [this](const ChildExit&) { Stop(); }); });
    {
      absl::MutexLock lock(&mutex);
      done = true;
    }
    return keeper.join();
  }
  AwaitZombie(foreign);
  Run([&] { Add(Spawn("exit_with", "6"), [this](const ChildExit&) { Stop(); }); });
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, foreign, &info, WEXITED), 0);
  EXPECT_EQ(info.si_status, 5);
}

}  // namespace
}  // namespace proctor
