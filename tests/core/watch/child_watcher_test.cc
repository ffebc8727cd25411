// What every watcher tells of the ends of its children, on both loops.

#include "proctor/child_watcher.h"

#include <fcntl.h>
#include <sys/ptrace.h>

#include <functional>
#include <map>
#include <type_traits>

#include "core/wait/child_wait.h"
#include "proctor/error.h"
#include "tests/core/watch/watcher_test.h"

namespace proctor {
namespace {

using ChildWatcherTest = WatcherTest;

INSTANTIATE_TEST_SUITE_P(All, ChildWatcherTest, testing::ValuesIn(AllWatchers()), WatcherCaseName);

// conformance 32: a class that leaves out any one of them is abstract.
struct WithoutName : ChildWatcher {
  absl::Status AddChildHandler(ChildRef, ChildHandler) override { return {}; }
  bool RemoveChildHandler(pid_t) override { return false; }
  absl::Status AttachLoop(std::shared_ptr<EventLoop>) override { return {}; }
  bool IsActive() const override { return false; }
  void Close() override {}
  void EnterScope() override {}
  void ExitScope() override {}
  std::string DebugString() const override { return ""; }
};
struct Whole : WithoutName {
  std::string name() const override { return ""; }
};
struct WithoutAdd : Whole {
  absl::Status AddChildHandler(ChildRef, ChildHandler) override = 0;
};
struct WithoutRemove : Whole {
  bool RemoveChildHandler(pid_t) override = 0;
};
struct WithoutAttach : Whole {
  absl::Status AttachLoop(std::shared_ptr<EventLoop>) override = 0;
};
static_assert(std::is_abstract_v<ChildWatcher> && std::is_abstract_v<WithoutName>);
static_assert(std::is_abstract_v<WithoutAdd> && std::is_abstract_v<WithoutRemove> &&
              std::is_abstract_v<WithoutAttach> && !std::is_abstract_v<Whole>);

// conformance 33, 34
TEST_P(ChildWatcherTest, ReportsEveryExitCodeOnce) {
  std::map<int, int> calls;
  int left = 257;
  Run([&] {
    for (int code = 0; code <= 256; ++code) {
      const pid_t pid = Spawn("exit_with", absl::StrCat(code));
      Add(pid, [&, pid, code](const ChildExit& exit) {
        EXPECT_EQ(exit.pid, pid);
        EXPECT_EQ(exit.returncode(), code % 256);
        EXPECT_EQ(exit.status.source, StatusSource::kWaited);
        EXPECT_TRUE(exit.status.has_usage);
        ++calls[code];
        if (--left == 0) Stop();
      });
    }
  });
  EXPECT_EQ(calls.size(), 257u);
  for (const auto& [code, count] : calls) EXPECT_EQ(count, 1) << code;
}

// conformance 35
TEST_P(ChildWatcherTest, ReportsSignalsAsNegative) {
  const std::vector<int> signals = {SIGTERM, SIGKILL, SIGINT, SIGUSR1, SIGRTMIN};
  size_t left = signals.size();
  Run([&] {
    for (const int signal : signals) {
      Add(Spawn("kill_self", absl::StrCat(signal)), [&, signal](const ChildExit& exit) {
        EXPECT_EQ(exit.returncode(), -signal);
        if (--left == 0) Stop();
      });
    }
  });
}

// conformance 37
TEST_P(ChildWatcherTest, SaysNothingOfAChildThatStopsAndContinues) {
  bool killed = false;
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, [&](const ChildExit& exit) {
      EXPECT_TRUE(killed);
      EXPECT_EQ(exit.returncode(), -SIGKILL);
      Stop();
    });
    siginfo_t info{};
    ::kill(pid, SIGSTOP);
    EXPECT_EQ(::waitid(P_PID, pid, &info, WSTOPPED), 0);
    ::kill(pid, SIGCONT);
    EXPECT_EQ(::waitid(P_PID, pid, &info, WCONTINUED), 0);
    // A turn in which a false report would show itself.
    loop_->CallSoon([&, pid] {
      killed = true;
      ::kill(pid, SIGKILL);
    });
  });
}

// conformance 41, 42
TEST_P(ChildWatcherTest, TwoChildrenAreToldApart) {
  int left = 2;
  Run([&] {
    const pid_t first = Spawn("wait_forever");
    const pid_t second = Spawn("wait_forever");
    for (const auto& [pid, signal] : {std::pair{first, SIGKILL}, {second, SIGTERM}}) {
      Add(pid, [&, pid = pid, signal = signal](const ChildExit& exit) {
        EXPECT_EQ(exit.pid, pid);
        EXPECT_EQ(exit.returncode(), -signal);
        if (--left == 0) Stop();
      });
    }
    ::kill(first, SIGKILL);
    ::kill(second, SIGTERM);
    AwaitZombie(first);
    AwaitZombie(second);
  });
}

// conformance 43
TEST_P(ChildWatcherTest, AnExitBeforeAddIsReportedAndNeverFromWithinAdd) {
  bool inside = true;
  Run([&] {
    const pid_t pid = Spawn("exit_with", "7");
    AwaitZombie(pid);
    Add(pid, [&, pid](const ChildExit& exit) {
      EXPECT_FALSE(inside);
      EXPECT_EQ(exit.returncode(), 7);
      EXPECT_EQ(*GetRunningLoop(), loop_);
      EXPECT_FALSE(IsReaped(pid)) << "told after the reaping";
      Stop();
    });
    inside = false;
  });
}

TEST_P(ChildWatcherTest, AChildWithAPidfdIsToldOfAlsoWhereItWasReapedBeforeItWasAdded) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "7");
    ChildRef child = OpenChild(pid);
    ReapElsewhere(pid);
    const absl::Status added =
        watcher_->AddChildHandler(std::move(child), [&, pid](const ChildExit& exit) {
          EXPECT_EQ(exit.pid, pid);
          if (exit.status.source == StatusSource::kRecovered) {
            EXPECT_EQ(exit.returncode(), 7);
          } else {
            EXPECT_EQ(exit.status.source, StatusSource::kUnknown);
            EXPECT_EQ(exit.returncode(), 255);
          }
          Stop();
        });
    EXPECT_TRUE(added.ok()) << added;
  });
}

TEST_P(ChildWatcherTest, AChildWithAPidfdIsToldOfAsOneWithout) {
  Run([&] {
    const pid_t pid = Spawn("exit_with", "7");
    const absl::Status added =
        watcher_->AddChildHandler(OpenChild(pid), [&](const ChildExit& exit) {
          EXPECT_EQ(exit.returncode(), 7);
          EXPECT_EQ(exit.status.source, StatusSource::kWaited);
          EXPECT_TRUE(exit.status.has_usage);
          Stop();
        });
    EXPECT_TRUE(added.ok()) << added;
  });
}

// conformance 45, 88
TEST_P(ChildWatcherTest, AChildReapedBySomebodyElseIsNeverASuccessByMistake) {
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, [&](const ChildExit& exit) {
      if (exit.status.source == StatusSource::kUnknown) {
        EXPECT_EQ(exit.returncode(), 255);
        EXPECT_EQ(exit.status.reason, "REAPED_ELSEWHERE");
        EXPECT_EQ(Warnings().size(), 1u);
      } else {
        EXPECT_EQ(exit.returncode(), -SIGKILL);
      }
      Stop();
    });
    ::kill(pid, SIGKILL);
    ReapElsewhere(pid);
  });
}

// conformance traced
TEST_P(ChildWatcherTest, ATracedZombieDoesNotSpinTheLoopAndIsReportedInTheEnd) {
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
    Add(pid, [&](const ChildExit& exit) {
      EXPECT_EQ(exit.returncode(), -SIGKILL);
      if (--left == 0) Stop();
    });
    char byte;
    ASSERT_EQ(::read(seized[0], &byte, 1), 1);
    ::kill(pid, SIGKILL);
    const int gate_write = gate[1];
    Add(tracer, [&](const ChildExit& exit) {
      EXPECT_EQ(exit.returncode(), 0);
      if (--left == 0) Stop();
    });
    // Turns of the loop with the zombie traced: each ends, none reports.
    loop_->CallSoon([this, gate_write, gate, seized] {
      loop_->CallSoon([gate_write, gate, seized] {
        (void)!::write(gate_write, "x", 1);
        for (const int fd : {gate[0], gate[1], seized[0], seized[1]}) ::close(fd);
      });
    });
  });
}

// conformance sigchld-ignored
TEST_P(ChildWatcherTest, WithSigchldIgnoredItWarnsAndCodesAreRightOrUnknown) {
  watcher_->Close();
  struct sigaction before {};
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGCHLD, &ignore, &before), 0);
  auto watcher = NewWatcher(GetParam().watcher == "faststrict" ? "fast" : GetParam().watcher);
  ASSERT_TRUE(watcher.ok());
  watcher_ = *watcher;
  EXPECT_TRUE(watcher_->AttachLoop(loop_).ok());
  ASSERT_EQ(Warnings().size(), 1u);
  EXPECT_NE(Warnings()[0].find("SIGCHLD is ignored"), std::string::npos);
  Run([&] {
    const pid_t pid = Spawn("wait_forever");
    Add(pid, [&](const ChildExit& exit) {
      if (exit.status.source == StatusSource::kUnknown) {
        EXPECT_EQ(exit.returncode(), 255);
      } else {
        EXPECT_EQ(exit.returncode(), -SIGTERM);
      }
      Stop();
    });
    ::kill(pid, SIGTERM);
  });
  watcher_->Close();
  EXPECT_EQ(::sigaction(SIGCHLD, &before, nullptr), 0);
}

// conformance ten-thousand: with the descriptors and zombies counted at the end.
TEST_P(ChildWatcherTest, ReportsTenThousandChildren) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kChildren = 1000;
#else
  constexpr int kChildren = 10000;
#endif
  std::map<pid_t, int> expected;
  int planned = 500;  // at once; each end then plans one more
  int told = 0;
  std::function<void()> spawn = [&] {
    const ChildWatcher::Scope scope(*watcher_);
    const int code = told % 256;
    const pid_t pid = Spawn("exit_with", absl::StrCat(code));
    EXPECT_TRUE(expected.emplace(pid, code).second) << "not told of " << pid;
    Add(pid, [&](const ChildExit& exit) {
      auto found = expected.find(exit.pid);
      ASSERT_NE(found, expected.end()) << "told twice";
      EXPECT_EQ(exit.returncode(), found->second);
      expected.erase(found);
      if (++told == kChildren) return Stop();
      if (planned++ < kChildren) loop_->CallSoon(spawn);
    });
  };
  Run([&, at_once = planned] {
    for (int i = 0; i < at_once; ++i) spawn();
  });
  EXPECT_TRUE(expected.empty());
  EXPECT_EQ(told, kChildren);
}

}  // namespace
}  // namespace proctor
