#include "core/watch/threaded_child_watcher.h"

#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

class ThreadedChildWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, ThreadedChildWatcherTest, testing::Values("threaded"),
                         [](const auto& info) { return info.param; });

// conformance 52, 53
TEST_P(ThreadedChildWatcherTest, IsAlwaysActiveAndAttachIsANoOp) {
  EXPECT_TRUE(watcher_->IsActive());
  EXPECT_TRUE(watcher_->AttachLoop(loop_).ok());
  EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
  EXPECT_TRUE(watcher_->IsActive());
}

// conformance 58
TEST_P(ThreadedChildWatcherTest, AnUnknownPidIs255) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "0");
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PID, pid, &info, WEXITED), 0);
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(pid,
                                      [this](const ChildExit& exit) {
                                        EXPECT_EQ(exit.returncode(), 255);
                                        EXPECT_EQ(exit.status.source, StatusSource::kUnknown);
                                        Stop();
                                      })
                    .ok());
  });
  EXPECT_EQ(warnings_.size(), 1u);
}

// conformance 56
TEST_P(ThreadedChildWatcherTest, AClosedLoopGetsAWarningAndNoCall) {
  absl::Mutex mutex;
  std::string warning;
  SetWarningHandler([&](std::string_view text) {
    absl::MutexLock lock(&mutex);
    warning = text;
  });
  auto other = *SelectorEventLoop::Create();
  pid_t pid = 0;
  other->CallSoon([&] {
    pid = Spawn("wait_forever");
    EXPECT_TRUE(watcher_->AddChildHandler(pid, [](const ChildExit&) { FAIL(); }).ok());
    other->Stop();
  });
  ASSERT_TRUE(other->RunForever().ok());
  ASSERT_TRUE(other->Close().ok());
  ::kill(pid, SIGKILL);
  absl::MutexLock lock(&mutex);
  mutex.Await(absl::Condition(
      +[](std::string* text) { return !text->empty(); }, &warning));
  EXPECT_NE(warning.find("closed"), std::string::npos) << warning;
  mutex.Unlock();
  AwaitNoChild();
  mutex.Lock();
}

}  // namespace
}  // namespace proctor
