#include "core/watch/pidfd_child_watcher.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "proctor/error.h"
#include "tests/core/watch/refused_call.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

// What the Uring watcher has in common with it.
class DescriptorWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, DescriptorWatcherTest,
                         testing::ValuesIn(WithBothLoops({"pidfd", "uring"})), WatcherCaseName);

// conformance 93
TEST_P(DescriptorWatcherTest, IsActiveWithoutALoop) {
  EXPECT_TRUE(watcher_->IsActive());
  EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
  EXPECT_TRUE(watcher_->IsActive());
}

// conformance 95
TEST_P(DescriptorWatcherTest, AnUnknownPidIsNotFound) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "0");
    ReapElsewhere(pid);
    for (const pid_t unknown : {pid, pid_t{1}}) {
      const absl::Status added = watcher_->AddChildHandler(unknown, NeverCalled);
      EXPECT_EQ(added.code(), absl::StatusCode::kNotFound);
      EXPECT_EQ(ErrorReason(added), "NO_SUCH_CHILD");
    }
    Stop();
  });
}

class PidfdChildWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, PidfdChildWatcherTest, testing::ValuesIn(WithBothLoops({"pidfd"})),
                         WatcherCaseName);

// conformance 96: the LeakCheck of the fixture counts them at the end; here while the
// watcher lives.
TEST_P(PidfdChildWatcherTest, ClosesItsDescriptorAtExitAndAtRemove) {
  Run([&] {
    const pid_t removed = Spawn("wait_forever");
    const pid_t exited = Spawn("wait_forever");
    const auto count = [] {
      const std::filesystem::directory_iterator begin("/proc/self/fd");
      return std::distance(begin, std::filesystem::directory_iterator());
    };
    const auto before = count();
    Add(removed, NeverCalled);
    EXPECT_EQ(count(), before + 1);
    // conformance 97
    Add(removed, NeverCalled);
    EXPECT_EQ(count(), before + 1);
    ::kill(removed, SIGKILL);
    AwaitZombie(removed);
    EXPECT_TRUE(watcher_->RemoveChildHandler(removed));
    EXPECT_EQ(count(), before);
    Add(exited, [this, count, before](const ChildExit&) {
      // It is reaped by its descriptor when this returns.
      loop_->CallSoon([this, count, before] {
        EXPECT_EQ(count(), before);
        Stop();
      });
    });
    ::kill(exited, SIGKILL);
  });
}

// conformance 98: what the probe says is what ListWatchers says, and "auto" goes by it.
TEST(PidfdProbeTest, AutoIsWhatTheProbeSays) {
  const absl::Status probe = PidfdChildWatcher::Probe();
  EXPECT_EQ(ListWatchers().front().availability, probe);
  EXPECT_EQ(*ResolveWatcher(kAutoWatcher), probe.ok() ? "pidfd" : "threaded");
}

// conformance 98
TEST(PidfdProbeTest, ASeccompFilterMakesAutoFallBack) {
  ExpectWithRefusedCall(SYS_pidfd_open, EPERM, [] {
    if (PidfdChildWatcher::Probe().code() != absl::StatusCode::kUnimplemented) return 1;
    if (*ResolveWatcher(kAutoWatcher) != "threaded") return 2;
    if (ErrorReason(ResolveWatcher("pidfd").status()) != "WATCHER_UNAVAILABLE") return 3;
    return 0;
  });
}

}  // namespace
}  // namespace proctor
