#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/warning.h"
#include "core/loop/selector_event_loop.h"
#include "core/watch/orphan_reaper.h"
#include "core/watch/watcher_kind.h"
#include "tests/core/leak_check.h"

namespace proctor {

// A running loop and a watcher of each kind, and real children. A test is a function
// that runs on the loop and calls Stop when it has seen what it wanted.
class WatcherTest : public testing::TestWithParam<std::string> {
 protected:
  // The process-wide reaper of orphans keeps a descriptor from its first one on.
  static void SetUpTestSuite() {
    const pid_t pid = Spawn("wait_forever");
    ReapWhenEnded(pid);
    ::kill(pid, SIGKILL);
    AwaitNoChild();
  }

  void SetUp() override {
    loop_ = *SelectorEventLoop::Create();
    watcher_ = *NewWatcher(GetParam());
    SetWarningHandler([this](std::string_view warning) { warnings_.emplace_back(warning); });
  }

  void TearDown() override {
    watcher_->Close();
    // What Close left to the loop.
    loop_->Stop();
    EXPECT_TRUE(loop_->RunForever().ok());
    watcher_.reset();
    EXPECT_TRUE(loop_->Close().ok());
    SetWarningHandler(nullptr);
  }

  // Runs `test` on the loop until Stop.
  void Run(LoopCallback test) {
    loop_->CallSoon(std::move(test));
    ASSERT_TRUE(loop_->RunForever().ok());
  }
  void Stop() { loop_->Stop(); }

  // A child of tests/programs that nobody else waits for.
  static pid_t Spawn(const std::string& program, const std::string& argument = "") {
    const std::string path = absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program);
    char* argv[] = {const_cast<char*>(path.c_str()), const_cast<char*>(argument.c_str()), nullptr};
    if (argument.empty()) argv[1] = nullptr;
    pid_t pid = 0;
    EXPECT_EQ(::posix_spawn(&pid, path.c_str(), nullptr, nullptr, argv, nullptr), 0) << path;
    return pid;
  }

  // Blocks until the child is a zombie, and leaves it one.
  static void AwaitZombie(pid_t pid) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
  }

  // Whether the child is reaped.
  static bool IsReaped(pid_t pid) {
    siginfo_t info{};
    return ::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0;
  }

  // Blocks until somebody else has reaped every child of this process. Looks and
  // leaves them: a zombie would be there to be seen, so this polls with waitid's own
  // blocking only while one still runs.
  static void AwaitNoChild() {
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0) std::this_thread::yield();
  }

  LeakCheck leaks_;
  std::shared_ptr<EventLoop> loop_;
  std::shared_ptr<ChildWatcher> watcher_;
  std::vector<std::string> warnings_;  // of the loop's thread
};

}  // namespace proctor
