// A process and all its descendants, by a control group and by a walk.
#include "core/tree/process_tree.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/numbers.h"
#include "core/tree/cgroup_root.h"
#include "core/tree/group_tree.h"
#include "core/tree/proc_table.h"
#include "proctor/error.h"
#include "tests/core/process/mechanism_fixture.h"
#include "tests/core/tree/test_cgroup.h"

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

using GroupTreeTest = ProcessFixture;

// Where there is nothing to look at.
TEST_F(GroupTreeTest, ReachesTheGroupUntilItsLeaderIsReaped) {
  auto tree = std::make_unique<GroupTree>();
  EXPECT_EQ(tree->mechanism(), TreeMechanism::kGroup);
  auto child = LaunchInto(tree->place(), MakeCommand("wait_forever"));
  ASSERT_TRUE(child.ok()) << child.status();
  tree->OnSpawned({{child->child.pid}, child->user, false});
  absl::Status sent = absl::UnknownError("not told");
  const auto note = [&](const absl::Status& status) { sent = status; };
  tree->Signal(loop_.get(), {SIGTERM}, note);
  EXPECT_TRUE(sent.ok()) << sent;
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child->child.pid), &info, WEXITED), 0);
  EXPECT_EQ(info.si_status, SIGTERM);
  tree->OnReaped();
  tree->Signal(loop_.get(), {SIGTERM}, note);
  EXPECT_EQ(ErrorReason(sent), "PROCESS_EXITED") << sent;
  EXPECT_EQ(ErrorReason(tree->AwaitEmpty(loop_.get(), {})), "TREE_UNKNOWN");
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

// ---- Control groups. ------------------------------------------------------

class CgroupRootTest : public testing::Test {
 protected:
  void SetUp() override {
    auto directory = MakeTestCgroup();
    if (!directory.ok()) GTEST_SKIP() << directory.status();
    directory_ = *directory;
    auto root = CgroupRoot::Open(directory_);
    if (!root.ok()) GTEST_SKIP() << root.status();
    root_ = *std::move(root);
  }
  void TearDown() override {
    root_.reset();
    if (!directory_.empty()) {
      EXPECT_TRUE(Cgroup(directory_).Remove());
    }
  }

  size_t Servers() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      count += entry.path().filename().string().starts_with("proctor-") ? 1 : 0;
    }
    return count;
  }

  std::string directory_;
  std::shared_ptr<CgroupRoot> root_;
};

TEST_F(CgroupRootTest, RemovesItsGroupsAtTheEnd) {
  { auto tree = root_->MakeTree("p", {}); }
  auto other = CgroupRoot::Open(directory_);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(Servers(), 2u);
  other->reset();
  EXPECT_EQ(Servers(), 1u);
  root_.reset();
  EXPECT_EQ(Servers(), 0u);
}

TEST_F(CgroupRootTest, RemovesWhatADeadServerHasLeft) {
  const Cgroup dead = Cgroup(directory_).Child("proctor-dead");
  ASSERT_TRUE(dead.Make().ok());
  ASSERT_TRUE(dead.Child("process").Make().ok());
  auto other = CgroupRoot::Open(directory_);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(std::filesystem::exists(dead.path()));
  EXPECT_EQ(Servers(), 2u);
}

TEST_F(CgroupRootTest, FindsAndCountsWhatRunsOnOfADeadServer) {
  const Cgroup dead = Cgroup(directory_).Child("proctor-dead");
  const Cgroup group = dead.Child("process");
  ASSERT_TRUE(dead.Make().ok());
  ASSERT_TRUE(group.Make().ok());
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  ASSERT_TRUE(group.Write("cgroup.procs", absl::StrCat(child)).ok());
  // Another server looks at it just now.
  auto looked_at = dead.Open();
  ASSERT_TRUE(looked_at.ok());
  ASSERT_EQ(::flock(looked_at->get(), LOCK_SH), 0);
  auto root = CgroupRoot::Open(directory_);
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ(*(*root)->CountLeft("process"), 1u);
  EXPECT_NE((*root)->FindLeft("process"), nullptr);
  EXPECT_EQ(*(*root)->CountLeft("another"), 0u);
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(*(*root)->CountLeft("process"), 0u);
  EXPECT_EQ((*root)->FindLeft("process"), nullptr);
}

TEST_F(CgroupRootTest, CannotTellWithoutDescriptorsAndSaysSo) {
  const Cgroup group = Cgroup(directory_).Child("probe");
  EXPECT_FALSE(*group.Populated());  // there is none
  ASSERT_TRUE(group.Make().ok());
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto populated = group.Populated();
  auto tree = root_->MakeTree("short", {});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(ErrorVariables(populated.status())["errno_name"], "EMFILE") << populated.status();
  EXPECT_EQ(ErrorReason(tree.status()), "SPAWN_RESOURCES") << tree.status();
  EXPECT_TRUE(group.Remove());
}

TEST_F(CgroupRootTest, RefusesALimitWhoseControllerIsNotThere) {
  const auto controllers = root_->controllers();
  const struct {
    const char* controller;
    CgroupLimits limits;
    const char* field;
  } cases[] = {{"memory", {.memory_bytes = 1 << 30}, "cgroup.memory_bytes"},
               {"pids", {.pids = 10}, "cgroup.pids"},
               {"cpu", {.cpus = 1}, "cgroup.cpus"},
               {"io", {.io_weight = 10}, "cgroup.io_weight"}};
  for (const auto& limit : cases) {
    const bool there =
        std::find(controllers.begin(), controllers.end(), limit.controller) != controllers.end();
    auto tree = root_->MakeTree(limit.controller, limit.limits);
    if (there) continue;  // tests of limits try them
    EXPECT_TRUE(absl::IsFailedPrecondition(tree.status())) << tree.status();
    EXPECT_EQ(ErrorReason(tree.status()), "LIMIT_UNAVAILABLE");
    EXPECT_EQ(ErrorVariables(tree.status())["field"], limit.field);
  }
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
