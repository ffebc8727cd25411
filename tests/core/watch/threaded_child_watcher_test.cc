#include "core/watch/threaded_child_watcher.h"

#include <sys/resource.h>

#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

class ThreadedChildWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, ThreadedChildWatcherTest,
                         testing::ValuesIn(WithBothLoops({"threaded"})), WatcherCaseName);

// conformance 52, 53
TEST_P(ThreadedChildWatcherTest, IsAlwaysActiveAndAttachIsANoOp) {
  EXPECT_TRUE(watcher_->IsActive());
  EXPECT_TRUE(watcher_->AttachLoop(loop_).ok());
  EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
  EXPECT_TRUE(watcher_->IsActive());
}

// Several watchers promise this: what is not a child has ended with 255.
class UnknownPidTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, UnknownPidTest,
                         testing::ValuesIn(WithBothLoops({"threaded", "multiloop", "safe", "fast",
                                                          "faststrict"})),
                         WatcherCaseName);

// conformance 58, 88
TEST_P(UnknownPidTest, IsReportedAs255) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "0");
    ReapElsewhere(pid);
    Add(pid, [this](const ChildExit& exit) {
      EXPECT_EQ(exit.returncode(), 255);
      EXPECT_EQ(exit.status.source, StatusSource::kUnknown);
      Stop();
    });
  });
  EXPECT_EQ(Warnings().size(), 1u);
}

// The watchers that wait with pidfds where these are to be had.
class OutOfDescriptorsTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, OutOfDescriptorsTest, testing::ValuesIn(AllWatchers()),
                         WatcherCaseName);

// conformance out-of-descriptors
TEST_P(OutOfDescriptorsTest, NoExitIsLost) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer looks at memory through a pipe, for which this leaves no room";
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  int left = 3;
  Run([&] {
    std::vector<pid_t> pids;
    for (int i = 0; i < 3; ++i) pids.push_back(Spawn("wait_forever"));
    rlimit none = before;
    none.rlim_cur = 3;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    for (const pid_t pid : pids) {
      Add(pid, [&](const ChildExit& exit) {
        EXPECT_EQ(exit.returncode(), -SIGTERM);
        if (--left == 0) Stop();
      });
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    // One after the other, and two at once, of which there may be one signal.
    ::kill(pids[0], SIGTERM);
    AwaitZombie(pids[0]);
    ::kill(pids[1], SIGTERM);
    ::kill(pids[2], SIGTERM);
  });
}

}  // namespace
}  // namespace proctor
