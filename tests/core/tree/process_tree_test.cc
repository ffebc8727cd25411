// A process and all its descendants, by a control group and by a walk.
#include "core/tree/process_tree.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/tree/proc_table.h"
#include "proctor/error.h"
#include "tests/core/process/mechanism_fixture.h"

namespace proctor {
namespace {

constexpr uint64_t kMostBombs = 64;

class ProcessTreeTest : public OnEachMechanism<ProcessFixture> {
 protected:
  // The daemon that a process has told of, once it has.
  static pid_t Daemon(const Process& process) {
    OutputCursor cursor = process.output().FromOldest();
    auto item = process.output().Next(cursor, 100);
    pid_t pid = 0;
    if (!item.has_value()) return 0;
    const auto* chunk = std::get_if<OutputChunk>(&*item);
    if (chunk == nullptr) return 0;
    return absl::SimpleAtoi(absl::string_view(chunk->data.data(), chunk->data.size()), &pid) ? pid
                                                                                             : 0;
  }

  // Whether it runs: our adopted children stay zombies until they are reaped elsewhere.
  static bool Runs(pid_t pid) {
    const auto entry = ReadProcEntry(pid, false);
    return entry.ok() && !entry->ended();
  }

  // How many pidfds this process has open.
  static size_t CountPidfds() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto file = std::filesystem::read_symlink(entry.path(), gone).string();
      count += file.find("pidfd") != std::string::npos ? 1 : 0;
    }
    return count;
  }

  // Sends a signal to a tree, and expects that it was sent when that is told.
  static void ExpectSent(Process& process, int signal) {
    process.Signal(signal, SignalScope::kTree, "me",
                   [](const absl::Status& sent) { EXPECT_TRUE(sent.ok()) << sent; });
  }

  // Starts a process, runs the loop until `then` stops it.
  std::shared_ptr<Process> StartAndRun(Command command, std::function<void(Process&)> then) {
    std::shared_ptr<Process> process;
    Run([&] {
      auto started = Start(std::move(command));
      ASSERT_TRUE(started.ok()) << started.status();
      process = *started;
      EXPECT_EQ(process->tree_mechanism(), GetParam());
      then(*process);
    });
    return process;
  }
};

INSTANTIATE_TEST_SUITE_P(Mechanisms, ProcessTreeTest,
                         testing::Values(TreeMechanism::kCgroup, TreeMechanism::kWalk),
                         MechanismName);

TEST_P(ProcessTreeTest, IsEmptyAfterAProcessWithoutDescendants) {
  auto process = StartAndRun(MakeCommand("exit_with", {"3"}), [this](Process& p) {
    EXPECT_FALSE(TreeEmpty(p));
    StopWhen(p.shared_from_this(),
             [](Process& q) { return q.state() == ProcessState::kDrained && TreeEmpty(q); });
  });
  EXPECT_TRUE(process->Info().tree_empty);
}

// Whatever holds it on the way: the spawn, the tree, the watcher.
TEST_P(ProcessTreeTest, AProcessHasOnePidfdUntilItIsReaped) {
  const size_t before = CountPidfds();
  auto process = StartAndRun(MakeCommand("wait_forever"), [&](Process& p) {
    EXPECT_EQ(CountPidfds(), before + 1);
    p.Kill({ExitCause::kClientSignal, "me"});
    StopWhen(p.shared_from_this(), [](Process& q) { return q.state() == ProcessState::kDrained; });
  });
  EXPECT_EQ(CountPidfds(), before);
}

TEST_P(ProcessTreeTest, ReachesADaemonWhileTheLeaderRuns) {
  pid_t daemon = 0;
  auto process = StartAndRun(MakeCommand("daemonize", {"stay"}), [&](Process& p) {
    p.AddListener([&, raw = &p] {
      if (daemon != 0 || (daemon = Daemon(*raw)) == 0) return;
      EXPECT_TRUE(Runs(daemon));
      ExpectSent(*raw, SIGTERM);
    });
    StopWhen(p.shared_from_this(), [](Process& q) { return TreeEmpty(q); });
  });
  EXPECT_EQ(process->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kClientSignal);
  EXPECT_FALSE(Runs(daemon));
}

TEST_P(ProcessTreeTest, ReachesADaemonAfterTheLeadersEnd) {
  pid_t daemon = 0;
  bool signalled = false;
  auto process = StartAndRun(MakeCommand("daemonize", {"ignore-term"}), [&](Process& p) {
    p.AddListener([&, raw = &p] {
      if (signalled || raw->state() != ProcessState::kDrained) return;
      signalled = true;
      daemon = Daemon(*raw);
      EXPECT_FALSE(TreeEmpty(*raw));
      EXPECT_TRUE(Runs(daemon));
      const absl::Status group = *Send(*raw, SIGKILL, SignalScope::kGroup);
      EXPECT_EQ(ErrorReason(group), "PROCESS_EXITED") << group;
      ExpectSent(*raw, SIGKILL);
    });
    StopWhen(p.shared_from_this(), [&](Process& q) { return signalled && TreeEmpty(q); });
  });
  EXPECT_EQ(process->exit_status()->wait.returncode(), 0);
  EXPECT_FALSE(Runs(daemon));
  const absl::Status none = *Send(*process, SIGKILL, SignalScope::kTree);
  EXPECT_EQ(ErrorReason(none), "PROCESS_EXITED") << none;
}

TEST_P(ProcessTreeTest, StopGoesOnForADescendantThatOutlivesTheLeader) {
  pid_t daemon = 0;
  bool stopped = false;
  Command command = MakeCommand("daemonize", {"stay", "ignore-term"});
  command.stop_policy = {.grace = absl::Milliseconds(50), .scope = SignalScope::kTree};
  auto process = StartAndRun(command, [&](Process& p) {
    p.AddListener([&, raw = &p] {
      if (stopped || (daemon = Daemon(*raw)) == 0) return;
      stopped = true;
      raw->Stop(raw->command().stop_policy, {ExitCause::kSessionClosed, "me"});
    });
    StopWhen(p.shared_from_this(), [](Process& q) { return TreeEmpty(q); });
  });
  EXPECT_EQ(process->exit_status()->wait.signal, SIGTERM);
  EXPECT_EQ(process->exit_status()->cause, ExitCause::kSessionClosed);
  EXPECT_FALSE(Runs(daemon));
}

// The grace of the first stop went with the leader.
TEST_P(ProcessTreeTest, ASecondStopKillsTheDescendantsThatTheFirstOneLeft) {
  pid_t daemon = 0;
  int stops = 0;
  auto process = StartAndRun(MakeCommand("daemonize", {"stay", "ignore-term"}), [&](Process& p) {
    p.AddListener([&, raw = &p] {
      if (daemon == 0) daemon = Daemon(*raw);
      if (stops == 0 && daemon != 0) {
        ++stops;
        raw->Stop({.grace = absl::Milliseconds(50)}, {ExitCause::kClientSignal, "me"});
      } else if (stops == 1 && raw->exit_status().has_value()) {
        ++stops;
        EXPECT_TRUE(Runs(daemon));
        raw->Stop({.grace = absl::Milliseconds(100), .scope = SignalScope::kTree},
                  {ExitCause::kClientSignal, "me"});
      }
    });
    StopWhen(p.shared_from_this(), [&](Process& q) { return stops == 2 && TreeEmpty(q); });
  });
  EXPECT_EQ(process->exit_status()->wait.signal, SIGTERM);
  EXPECT_FALSE(Runs(daemon));
}

// Nobody knows of a tree that cannot be looked at that it is empty.
TEST_P(ProcessTreeTest, IsNotTakenForEmptyWithoutDescriptors) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer looks at memory through a pipe, for which this leaves no room";
#endif
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  loop_->SetErrorHandler([](const LoopError&) {});  // the shortage, told each time
  bool tried = false;
  pid_t daemon = 0;
  StartAndRun(MakeCommand("daemonize"), [&](Process& p) {
    p.AddListener([&, raw = &p] {
      if (tried || raw->state() != ProcessState::kDrained) return;
      tried = true;
      daemon = Daemon(*raw);
      const rlimit none = {0, before.rlim_max};
      ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
      EXPECT_FALSE(TreeEmpty(*raw));
      EXPECT_FALSE(TreeEmpty(*raw));
      ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
      EXPECT_TRUE(Runs(daemon));
      ExpectSent(*raw, SIGKILL);
    });
    StopWhen(p.shared_from_this(), [&](Process& q) { return tried && TreeEmpty(q); });
  });
  EXPECT_FALSE(Runs(daemon));
}

// A process whose main thread has ended looks like a zombie.
TEST_P(ProcessTreeTest, IsNotEmptyWhereOnlyAMainThreadHasEnded) {
  pid_t daemon = 0;
  bool killed = false;
  StartAndRun(MakeCommand("daemonize", {"headless"}), [&](Process& p) {
    p.AddListener([&, raw = &p] {
      if (killed || raw->state() != ProcessState::kDrained) return;
      killed = true;
      daemon = Daemon(*raw);
      raw->LookAtTree([&, raw] {
        EXPECT_FALSE(TreeEmpty(*raw));
        EXPECT_TRUE(Runs(daemon));
        ExpectSent(*raw, SIGKILL);
      });
    });
    StopWhen(p.shared_from_this(), [&](Process& q) { return killed && TreeEmpty(q); });
  });
  EXPECT_FALSE(Runs(daemon));
}

// Takes all descriptors that this process may have, for a test.
class DescriptorHog {
 public:
  DescriptorHog() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few = {256, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    for (int fd = 0; fd >= 0;) {
      fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd >= 0) taken_.emplace_back(fd);
    }
  }
  ~DescriptorHog() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorHog(const DescriptorHog&) = delete;
  DescriptorHog& operator=(const DescriptorHog&) = delete;

 private:
  rlimit before_ = {};
  std::vector<UniqueFd> taken_;
};

TEST_P(ProcessTreeTest, IsReachedWithoutDescriptors) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer looks at memory through a pipe, for which this leaves no room";
#endif
  loop_->SetErrorHandler([](const LoopError&) {});  // the shortage, told each time
  for (const int signal : {SIGTERM, SIGKILL}) {
    pid_t daemon = 0;
    std::unique_ptr<DescriptorHog> hog;
    StartAndRun(MakeCommand("daemonize", {"stay"}), [&](Process& p) {
      p.AddListener([&, raw = &p] {
        if (daemon != 0 || (daemon = Daemon(*raw)) == 0) return;
        hog = std::make_unique<DescriptorHog>();
        raw->Signal(signal, SignalScope::kTree, "me", [&](const absl::Status& sent) {
          EXPECT_TRUE(sent.ok()) << sent;
          hog.reset();
        });
      });
      StopWhen(p.shared_from_this(), [](Process& q) { return TreeEmpty(q); });
    });
    EXPECT_FALSE(Runs(daemon));
  }
}

// A walk takes as long as the machine has processes, which the loop does not wait for.
TEST_P(ProcessTreeTest, IsNotWalkedOnTheThreadOfTheLoop) {
  StartAndRun(MakeCommand("wait_forever"), [&](Process& p) {
    const bool told_at_once = Send(p, SIGKILL, SignalScope::kTree)->ok();
    EXPECT_EQ(told_at_once, GetParam() == TreeMechanism::kCgroup);
    StopWhen(p.shared_from_this(), [](Process& q) { return TreeEmpty(q); });
  });
}

// What a group or a walk must not take for its own.
TEST_P(ProcessTreeTest, LeavesOthersAlone) {
  absl::StatusOr<std::shared_ptr<Process>> other;
  StartAndRun(MakeCommand("wait_forever"), [&](Process& p) {
    other = Start(MakeCommand("wait_forever"));
    ASSERT_TRUE(other.ok()) << other.status();
    ExpectSent(p, SIGKILL);
    StopWhen(p.shared_from_this(), [](Process& q) { return TreeEmpty(q); });
  });
  ASSERT_TRUE(other.ok());
  EXPECT_TRUE(Runs((*other)->Info().pid));
  Run([&] {
    (*other)->Kill({ExitCause::kClientSignal, "me"});
    StopWhen(*other, [](Process& p) { return p.state() == ProcessState::kDrained; });
  });
}

TEST_P(ProcessTreeTest, KillIsNotOutrunByForking) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: another user cannot be had for the bomb";
  Command command = MakeCommand("fork_bomb");
  const std::string uid = absl::StrCat(700000000 + ::getpid());  // nobody else's
  command.user = {.user = uid, .group = uid};
  command.rlimits = {{"nproc", kMostBombs, kMostBombs}};
  bool killed = false;
  StartAndRun(command, [&](Process& p) {
    p.AddListener([&, raw = &p] {
      if (killed || raw->output().Totals()[0].total_bytes == 0) return;
      killed = true;
      ExpectSent(*raw, SIGKILL);
    });
    StopWhen(p.shared_from_this(), [](Process& q) { return TreeEmpty(q); });
  });
  int survivors = 0;
  const auto table = ProcTable::Read(ProcTable::kNoLocks);
  ASSERT_TRUE(table.ok()) << table.status();
  for (const ProcEntry& entry : table->entries()) {
    struct stat owner;
    if (::stat(absl::StrCat("/proc/", entry.pid).c_str(), &owner) != 0) continue;
    if (absl::StrCat(owner.st_uid) == uid && !entry.ended()) ++survivors;
  }
  EXPECT_EQ(survivors, 0);
}

TEST(ProcessTreesTest, RefuseLimitsWithoutAControlGroup) {
  auto trees = ProcessTrees::Open("none");
  ASSERT_TRUE(trees.ok());
  auto tree = (*trees)->Make("p", {.pids = 3});
  EXPECT_TRUE(absl::IsFailedPrecondition(tree.status())) << tree.status();
  EXPECT_EQ(ErrorReason(tree.status()), "LIMIT_UNAVAILABLE");
  EXPECT_EQ(ErrorVariables(tree.status())["field"], "cgroup");
}

TEST(ProcessTreesTest, RefuseADirectoryThatIsNoControlGroup) {
  auto trees = ProcessTrees::Open("/tmp");
  EXPECT_TRUE(absl::IsFailedPrecondition(trees.status())) << trees.status();
  EXPECT_EQ(ErrorReason(trees.status()), "CGROUP_UNAVAILABLE");
}

}  // namespace
}  // namespace proctor
