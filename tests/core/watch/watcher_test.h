#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/warning.h"
#include "core/wait/orphan_reaper.h"
#include "core/watch/fast_child_watcher.h"
#include "proctor/policy_registry.h"
#include "proctor/watcher_kind.h"
#include "tests/core/leak_check.h"

namespace proctor {

// A watcher on a loop.
struct WatcherCase {
  std::string watcher;  // by name; "faststrict" is the Fast one in process reach
  std::string policy;   // whose loop it is
};

inline void PrintTo(const WatcherCase& param, std::ostream* out) {
  *out << param.watcher << " on " << param.policy;
}

// Each of these watchers with each loop.
inline std::vector<WatcherCase> WithBothLoops(const std::vector<std::string>& watchers) {
  std::vector<WatcherCase> cases;
  for (const std::string& watcher : watchers) {
    for (const char* policy : {"default", "proactor"}) cases.push_back({watcher, policy});
  }
  return cases;
}

inline std::vector<WatcherCase> AllWatchers() {
  return WithBothLoops({"pidfd", "threaded", "multiloop", "safe", "fast", "faststrict", "uring"});
}

inline std::string WatcherCaseName(const testing::TestParamInfo<WatcherCase>& info) {
  return absl::StrCat(info.param.watcher, "_",
                      info.param.policy == "default" ? "selector" : info.param.policy);
}

// A running loop and a watcher that is attached to it, and real children. A test is a
// function that runs on the loop and calls Stop when it has seen what it wanted.
class WatcherTest : public testing::TestWithParam<WatcherCase> {
 protected:
  // The process-wide ExitThread keeps its descriptors from its first child on.
  static void SetUpTestSuite() {
    const pid_t pid = Spawn("wait_forever");
    ReapWhenEnded({pid});
    ::kill(pid, SIGKILL);
    AwaitNoChild();
  }

  void SetUp() override {
    SetWarningHandler([this](std::string_view warning) {
      absl::MutexLock lock(&warnings_mutex_);
      warnings_.emplace_back(warning);
    });
    auto loop = NewLoop();
    if (!loop.ok()) GTEST_SKIP() << loop.status();
    loop_ = *loop;
    auto watcher = NewParamWatcher();
    if (!watcher.ok()) GTEST_SKIP() << watcher.status();
    watcher_ = *watcher;
    ASSERT_TRUE(watcher_->AttachLoop(loop_).ok());
  }

  void TearDown() override {
    if (watcher_ != nullptr) watcher_->Close();
    if (loop_ != nullptr) {
      // What Close left to the loop.
      loop_->Stop();
      EXPECT_TRUE(loop_->RunForever().ok());
      watcher_.reset();
      EXPECT_TRUE(loop_->Close().ok());
    }
    SetWarningHandler(nullptr);
  }

  // Another loop and another watcher of this case's kinds.
  static absl::StatusOr<std::shared_ptr<EventLoop>> NewLoop() {
    auto policy = NewPolicy(GetParam().policy, {});
    if (!policy.ok()) return policy.status();
    return (*policy)->NewEventLoop();
  }
  static absl::StatusOr<std::shared_ptr<ChildWatcher>> NewParamWatcher() {
    if (GetParam().watcher != "faststrict") return NewWatcher(GetParam().watcher);
    return std::make_shared<FastChildWatcher>(FastChildWatcher::Reach::kProcess);
  }

  // Runs `test` on the loop, within a scope of spawning, and the loop until Stop.
  void Run(LoopCallback test) {
    loop_->CallSoon([this, test = std::move(test)]() mutable {
      const ChildWatcher::Scope scope(*watcher_);
      test();
    });
    ASSERT_TRUE(loop_->RunForever().ok());
  }
  void Stop() { loop_->Stop(); }

  // Runs the loop until every child is reaped.
  void RunUntilNoChild() {
    Look();
    ASSERT_TRUE(loop_->RunForever().ok());
  }

  // A child of tests/programs that nobody else waits for.
  static pid_t Spawn(const std::string& program, const std::string& argument = "") {
    const std::string path = absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", program);
    char* argv[] = {const_cast<char*>(path.c_str()), const_cast<char*>(argument.c_str()), nullptr};
    if (argument.empty()) argv[1] = nullptr;
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, path.c_str(), nullptr, nullptr, argv, nullptr);
    // Tests kill what this returns: never 0, which is their own process group.
    if (error != 0) throw std::runtime_error(absl::StrCat("spawn ", path, ": error ", error));
    return pid;
  }

  // AddChildHandler, which has to succeed.
  void Add(pid_t pid, ChildHandler handler) {
    const absl::Status added = watcher_->AddChildHandler(pid, std::move(handler));
    EXPECT_TRUE(added.ok()) << added;
  }

  static void NeverCalled(const ChildExit& exit) {
    ADD_FAILURE() << "told of child " << exit.pid << ": " << DebugString(exit.status);
  }

  // Blocks until the child is a zombie, and leaves it one.
  static void AwaitZombie(pid_t pid) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
  }

  // Takes the child away from the watcher.
  static void ReapElsewhere(pid_t pid) {
    siginfo_t info{};
    ::waitid(P_PID, pid, &info, WEXITED);
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

  std::vector<std::string> Warnings() {
    absl::MutexLock lock(&warnings_mutex_);
    return warnings_;
  }

  // Blocks until there are as many warnings.
  void AwaitWarnings(size_t count) {
    absl::MutexLock lock(&warnings_mutex_);
    const auto enough = [this, count] {
      warnings_mutex_.AssertHeld();
      return warnings_.size() >= count;
    };
    warnings_mutex_.Await(absl::Condition(&enough));
  }

  LeakCheck leaks_;
  std::shared_ptr<EventLoop> loop_;
  std::shared_ptr<ChildWatcher> watcher_;

 private:
  void Look() {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return Stop();
    loop_->CallSoon([this] { Look(); });
  }

  absl::Mutex warnings_mutex_;
  std::vector<std::string> warnings_ ABSL_GUARDED_BY(warnings_mutex_);
};

}  // namespace proctor
