#include "core/watch/multi_loop_child_watcher.h"

#include <sys/resource.h>

#include <atomic>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "proctor/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

class MultiLoopChildWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, MultiLoopChildWatcherTest,
                         testing::ValuesIn(WithBothLoops({"multiloop"})), WatcherCaseName);

struct sigaction CurrentAction() {
  struct sigaction current {};
  EXPECT_EQ(::sigaction(SIGCHLD, nullptr, &current), 0);
  return current;
}

void SetHandler(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ASSERT_EQ(::sigaction(SIGCHLD, &action, nullptr), 0);
}

std::atomic<int> foreign_calls = 0;
void ForeignHandler(int) { ++foreign_calls; }

// conformance 62
TEST_P(MultiLoopChildWatcherTest, IsInactiveUntilTheFirstAttach) {
  MultiLoopChildWatcher watcher;
  EXPECT_FALSE(watcher.IsActive());
  EXPECT_EQ(ErrorReason(watcher.AddChildHandler(1, NeverCalled)), "WATCHER_INACTIVE");
  // conformance 63
  EXPECT_TRUE(watcher.AttachLoop(nullptr).ok());
  EXPECT_TRUE(watcher.IsActive());
  EXPECT_TRUE(watcher.AttachLoop(loop_).ok());
  EXPECT_TRUE(watcher.IsActive());
}

// conformance 64
TEST_P(MultiLoopChildWatcherTest, AttachesOnTheMainThreadOnly) {
  MultiLoopChildWatcher watcher;
  std::thread([&] {
    const absl::Status attached = watcher.AttachLoop(loop_);
    EXPECT_EQ(attached.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(attached), "NOT_MAIN_THREAD");
  }).join();
  EXPECT_FALSE(watcher.IsActive());
}

// conformance 65, 66
TEST_P(MultiLoopChildWatcherTest, InstallsAHandlerAndPutsTheEarlierOneBack) {
  watcher_->Close();  // the fixture's
  SetHandler(&ForeignHandler);
  {
    MultiLoopChildWatcher watcher;
    ASSERT_TRUE(watcher.AttachLoop(nullptr).ok());
    EXPECT_NE(CurrentAction().sa_handler, &ForeignHandler);
    EXPECT_TRUE(CurrentAction().sa_flags & SA_RESTART);
  }
  EXPECT_EQ(CurrentAction().sa_handler, &ForeignHandler);
  EXPECT_TRUE(Warnings().empty());
  SetHandler(SIG_DFL);
}

// conformance 67
TEST_P(MultiLoopChildWatcherTest, CallsTheEarlierHandlerToo) {
  watcher_->Close();
  SetHandler(&ForeignHandler);
  foreign_calls = 0;
  watcher_ = std::make_shared<MultiLoopChildWatcher>();
  ASSERT_TRUE(watcher_->AttachLoop(nullptr).ok());
  Run([&] { Add(Spawn("exit_with", "0"), [this](const ChildExit&) { Stop(); }); });
  EXPECT_GE(foreign_calls, 1);
  watcher_->Close();
  SetHandler(SIG_DFL);
}

// conformance 67
TEST_P(MultiLoopChildWatcherTest, AForeignHandlerStaysWithAWarningAndLosesNoExit) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, [this](const ChildExit&) { Stop(); });
    SetHandler(&ForeignHandler);
    ::kill(pid, SIGKILL);
  });
  watcher_->Close();
  EXPECT_EQ(CurrentAction().sa_handler, &ForeignHandler);
  ASSERT_EQ(Warnings().size(), 1u);
  EXPECT_NE(Warnings()[0].find("SIGCHLD"), std::string::npos);
  SetHandler(SIG_DFL);
}

void (*ours)(int, siginfo_t*, void*);
void ChainingHandler(int number, siginfo_t* info, void* context) {
  ++foreign_calls;
  ours(number, info, context);
}

// A foreign handler that calls ours, under which ours is installed anew.
TEST_P(MultiLoopChildWatcherTest, HandlersThatStandOnEachOtherDoNotRecurse) {
  foreign_calls = 0;
  ours = CurrentAction().sa_sigaction;
  struct sigaction chaining {};
  chaining.sa_sigaction = &ChainingHandler;
  chaining.sa_flags = SA_SIGINFO;
  ASSERT_EQ(::sigaction(SIGCHLD, &chaining, nullptr), 0);
  watcher_->Close();
  watcher_ = std::make_shared<MultiLoopChildWatcher>();
  ASSERT_TRUE(watcher_->AttachLoop(nullptr).ok());
  Run([&] { Add(Spawn("exit_with", "0"), [this](const ChildExit&) { Stop(); }); });
  EXPECT_GE(foreign_calls, 1);
  watcher_->Close();
  SetHandler(SIG_DFL);
}

// conformance 72
TEST_P(MultiLoopChildWatcherTest, ABlockedMainThreadDelaysNobody) {
  auto other = *NewLoop();
  absl::Notification told;
  std::thread thread([&] {
    other->CallSoon([&] {
      Add(Spawn("exit_with", "3"), [&](const ChildExit& exit) {
        EXPECT_EQ(exit.returncode(), 3);
        told.Notify();
        other->Stop();
      });
    });
    EXPECT_TRUE(other->RunForever().ok());
  });
  told.WaitForNotification();  // on the main thread, with no loop running there
  thread.join();
  EXPECT_TRUE(other->Close().ok());
}

// conformance multiloop-burst
TEST_P(MultiLoopChildWatcherTest, TellsABurstThatSeveralThreadsSpawned) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kEach = 200;
#else
  constexpr int kEach = 1000;
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit most{before.rlim_max, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &most), 0);
  absl::Mutex mutex;
  std::vector<pid_t> pids;
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<EventLoop>> loops;
  std::atomic<int> told = 0;
  absl::BlockingCounter added(4);
  for (int i = 0; i < 4; ++i) {
    loops.push_back(*NewLoop());
    threads.emplace_back([&, loop = loops.back()] {
      loop->CallSoon([&, loop] {
        auto left = std::make_shared<int>(kEach);
        for (int k = 0; k < kEach; ++k) {
          const pid_t pid = Spawn("wait_forever");
          Add(pid, [&told, left, loop](const ChildExit& exit) {
            EXPECT_EQ(exit.returncode(), -SIGKILL);
            ++told;
            if (--*left == 0) loop->Stop();
          });
          absl::MutexLock lock(&mutex);
          pids.push_back(pid);
        }
        added.DecrementCount();
      });
      EXPECT_TRUE(loop->RunForever().ok());
    });
  }
  added.Wait();
  for (const pid_t pid : pids) ::kill(pid, SIGKILL);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, 4 * kEach);
  for (const auto& loop : loops) EXPECT_TRUE(loop->Close().ok());
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace proctor
