#include "core/watch/uring_child_watcher.h"

#include <sys/syscall.h>

#include "core/watch/child_wait_ring.h"
#include "proctor/error.h"
#include "tests/core/watch/refused_call.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

class UringChildWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, UringChildWatcherTest, testing::ValuesIn(WithBothLoops({"uring"})),
                         WatcherCaseName);

// More at once than the ring has room for, all removed, all killed: the kernel writes to
// the memory of each until it has let go of it.
// conformance uring-memory
TEST_P(UringChildWatcherTest, MemoryOutlivesCancels) {
  constexpr int kChildren = 1500;
  Run([&] {
    std::vector<pid_t> pids;
    for (int i = 0; i < kChildren; ++i) {
      pids.push_back(Spawn("wait_forever"));
      Add(pids.back(), NeverCalled);
    }
    for (int i = 0; i < kChildren; i += 2) {
      ::kill(pids[i], SIGKILL);
      EXPECT_TRUE(watcher_->RemoveChildHandler(pids[i]));
    }
    watcher_->Close();
    for (int i = 1; i < kChildren; i += 2) ::kill(pids[i], SIGKILL);
    Stop();
  });
  AwaitNoChild();
}

// conformance uring-memory
TEST_P(UringChildWatcherTest, TellsMoreAtOnceThanTheRingHasRoomFor) {
  constexpr int kChildren = 1500;
  int told = 0;
  Run([&] {
    std::vector<pid_t> pids;
    for (int i = 0; i < kChildren; ++i) {
      pids.push_back(Spawn("wait_forever"));
      Add(pids.back(), [&](const ChildExit& exit) {
        EXPECT_EQ(exit.returncode(), -SIGKILL);
        if (++told == kChildren) Stop();
      });
    }
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    for (const pid_t pid : pids) AwaitZombie(pid);
  });
  EXPECT_EQ(told, kChildren);
}

// The kernel cancels the requests of a thread that ends.
TEST_P(UringChildWatcherTest, AThreadThatEndsTakesNoWaitWithIt) {
  auto other = *NewLoop();
  pid_t pid = 0;
  std::thread([&] {
    other->CallSoon([&] {
      pid = Spawn("wait_forever");
      Add(pid, [&](const ChildExit& exit) {
        EXPECT_EQ(exit.returncode(), -SIGKILL);
        other->Stop();
      });
      other->Stop();
    });
    EXPECT_TRUE(other->RunForever().ok());
  }).join();
  other->CallSoon([&] { ::kill(pid, SIGKILL); });
  EXPECT_TRUE(other->RunForever().ok());  // now on this thread
  watcher_->Close();
  other->Stop();
  EXPECT_TRUE(other->RunForever().ok());
  EXPECT_TRUE(other->Close().ok());
}

// conformance uring-unavailable
TEST(UringProbeTest, ASeccompFilterIsTheReason) {
  ExpectWithRefusedCall(SYS_io_uring_setup, ENOSYS, [] {
    const absl::Status probe = ChildWaitRing::ProbeKernel();
    if (probe.ok()) return 1;
    if (probe.message().find("io_uring") == std::string::npos) return 2;
    return 0;
  });
}

TEST(UringProbeTest, TheListSaysWhatTheProbeSays) {
  for (const WatcherInfo& watcher : ListWatchers()) {
    if (watcher.name != "uring") continue;
    EXPECT_EQ(watcher.availability, UringChildWatcher::Probe());
  }
}

}  // namespace
}  // namespace proctor
