#include "core/watch/pidfd_child_watcher.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

class PidfdChildWatcherTest : public WatcherTest {};

INSTANTIATE_TEST_SUITE_P(All, PidfdChildWatcherTest, testing::Values("pidfd"),
                         [](const auto& info) { return info.param; });

// conformance 93
TEST_P(PidfdChildWatcherTest, IsActiveWithoutALoop) {
  EXPECT_TRUE(watcher_->IsActive());
  EXPECT_TRUE(watcher_->AttachLoop(nullptr).ok());
  EXPECT_TRUE(watcher_->IsActive());
}

// conformance 95
TEST_P(PidfdChildWatcherTest, AnUnknownPidIsNotFound) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "0");
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PID, pid, &info, WEXITED), 0);
    EXPECT_EQ(watcher_->AddChildHandler(pid, [](const ChildExit&) { FAIL(); }).code(),
              absl::StatusCode::kNotFound);
    EXPECT_EQ(watcher_->AddChildHandler(1, [](const ChildExit&) { FAIL(); }).code(),
              absl::StatusCode::kNotFound);
    Stop();
  });
}

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
    ASSERT_TRUE(watcher_->AddChildHandler(removed, [](const ChildExit&) { FAIL(); }).ok());
    EXPECT_EQ(count(), before + 1);
    // conformance 97
    ASSERT_TRUE(watcher_->AddChildHandler(removed, [](const ChildExit&) { FAIL(); }).ok());
    EXPECT_EQ(count(), before + 1);
    ::kill(removed, SIGKILL);
    AwaitZombie(removed);
    EXPECT_TRUE(watcher_->RemoveChildHandler(removed));
    EXPECT_EQ(count(), before);
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(exited,
                                      [this, count, before](const ChildExit&) {
                                        EXPECT_EQ(count(), before);
                                        Stop();
                                      })
                    .ok());
    ::kill(exited, SIGKILL);
  });
}

// Out of descriptors at add: no exit is lost.
TEST_P(PidfdChildWatcherTest, WaitsWithoutADescriptorWhenThereIsNone) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer looks at memory through a pipe, for which this leaves no room";
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    rlimit none = before;
    none.rlim_cur = 3;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const absl::Status added = watcher_->AddChildHandler(pid, [this](const ChildExit& exit) {
      EXPECT_EQ(exit.returncode(), -SIGTERM);
      Stop();
    });
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_TRUE(added.ok()) << added;
    ::kill(pid, SIGTERM);
  });
}

TEST_P(PidfdChildWatcherTest, ATracedZombieDoesNotSpinTheLoopAndIsReportedInTheEnd) {
  int left = 2;
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    // The tracer is another process: its traced zombie is readable and not reapable
    // for us until it has waited for it.
    int gate[2];
    ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
    int seized[2];
    ASSERT_EQ(::pipe2(seized, O_CLOEXEC), 0);
    const pid_t tracer = ::fork();
    if (tracer == 0) {
      char byte;
      if (::ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) ::_exit(9);
      (void)!::write(seized[1], "x", 1);
      (void)!::read(gate[0], &byte, 1);  // until the test lets go
      int status;
      ::waitpid(pid, &status, __WALL);
      ::_exit(0);
    }
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(pid,
                                      [&](const ChildExit& exit) {
                                        EXPECT_EQ(exit.returncode(), -SIGKILL);
                                        if (--left == 0) Stop();
                                      })
                    .ok());
    char byte;
    ASSERT_EQ(::read(seized[0], &byte, 1), 1);
    ::kill(pid, SIGKILL);
    const int gate_write = gate[1];
    ASSERT_TRUE(watcher_
                    ->AddChildHandler(tracer,
                                      [&](const ChildExit& exit) {
                                        EXPECT_EQ(exit.returncode(), 0);
                                        if (--left == 0) Stop();
                                      })
                    .ok());
    // Turns of the loop with the zombie traced: each ends, none reports.
    loop_->CallSoon([this, gate_write, gate, seized] {
      loop_->CallSoon([gate_write, gate, seized] {
        (void)!::write(gate_write, "x", 1);
        for (const int fd : {gate[0], gate[1], seized[0], seized[1]}) ::close(fd);
      });
    });
  });
}

}  // namespace
}  // namespace proctor
