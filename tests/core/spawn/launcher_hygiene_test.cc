// What a child must not inherit.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/spawn/spawn_fence.h"
#include "tests/core/spawn/launch_fixture.h"
#include "tests/core/spawn/leased_program.h"

namespace proctor {
namespace {

using testing::ElementsAre;

constexpr char kNoSignals[] = "0000000000000000";

class LauncherHygieneTest : public LaunchFixture {};

INSTANTIATE_TEST_SUITE_P(Methods, LauncherHygieneTest,
                         testing::Values(LaunchMethod::kClone3, LaunchMethod::kClone), MethodName);

// Signals of this thread, libc's own 32 and 33 included.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    unsigned long all = ~0UL;
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &saved_, sizeof(all));
  }
  ~AllSignalsBlocked() {
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &saved_, nullptr, sizeof(saved_));
  }

 private:
  unsigned long saved_ = 0;
};

bool HasOnlyStdio(const std::string& out) {
  auto descriptors = Lines(out, "fd");
  return descriptors.size() == 3 && descriptors[0].starts_with("0 ") &&
         descriptors[1].starts_with("1 ") && descriptors[2].starts_with("2 ");
}

// conformance 108
TEST_P(LauncherHygieneTest, StartsWithAnEmptySignalMask) {
  Outcome outcome;
  {
    AllSignalsBlocked blocked;
    outcome = Run(Program("probe_environment"));
  }
  EXPECT_THAT(Lines(outcome.out, "blocked"), ElementsAre(kNoSignals));
  EXPECT_THAT(Lines(outcome.out, "pending"), ElementsAre(kNoSignals));
}

// conformance 108
TEST_P(LauncherHygieneTest, StartsWithDefaultDispositions) {
  std::vector<std::pair<int, struct sigaction>> saved;
  for (int signal = 1; signal <= 64; ++signal) {
    struct sigaction action = {};
    action.sa_handler = signal % 2 == 0 ? SIG_IGN : +[](int) {};
    struct sigaction old;
    // The sanitizers need those for faults; SIGCHLD ignored would reap by itself.
    if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL) continue;
    if (signal == SIGCHLD || signal == SIGABRT) continue;
    if (::sigaction(signal, &action, &old) == 0) saved.emplace_back(signal, old);
  }
  ASSERT_GT(saved.size(), 40u);
  Outcome outcome = Run(Program("probe_environment"));
  for (const auto& [signal, action] : saved) ::sigaction(signal, &action, nullptr);
  EXPECT_THAT(Lines(outcome.out, "ignored"), ElementsAre(kNoSignals));
  EXPECT_THAT(Lines(outcome.out, "caught"), ElementsAre(kNoSignals));
}

// A child that hangs in its exec has but its streams, and the fence.
TEST_P(LauncherHygieneTest, HoldsNothingOfItsParentButTheFenceUntilItsExec) {
  ScratchDirectory scratch;
  LeasedProgram program(Program("probe_environment").argv[0], scratch.path() + "/leased");
  const UniqueFd fence(::open(scratch.Write("fence", "", 0600).c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(SpawnFence::Set(fence.get()).ok());
  Command command;
  command.argv = {program.path()};
  std::map<std::string, std::string> held;
  std::thread stranger([&] {
    while (!program.awaited()) std::this_thread::yield();
    const std::set<pid_t> children = ChildrenOf("self");
    ASSERT_EQ(children.size(), 1u);
    for (const auto& entry :
         std::filesystem::directory_iterator(absl::StrCat("/proc/", *children.begin(), "/fd"))) {
      held[entry.path().filename()] = std::filesystem::read_symlink(entry.path());
    }
    program.Release();
  });
  Outcome outcome = Run(command);
  stranger.join();
  ASSERT_TRUE(SpawnFence::Set(-1).ok());
  EXPECT_EQ(held.size(), 4u) << testing::PrintToString(held);
  EXPECT_EQ(held["3"], scratch.path() + "/fence");
  EXPECT_TRUE(HasOnlyStdio(outcome.out));
}

TEST_P(LauncherHygieneTest, LeavesTheSpawnersSignalsAlone) {
  struct sigaction ignore = {}, old, now;
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGPIPE, &ignore, &old), 0);
  sigset_t some, before, after;
  ::sigemptyset(&some);
  ::sigaddset(&some, SIGUSR1);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &some, nullptr), 0);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &before), 0);
  EXPECT_EQ(Run(Program("exit_with")).returncode, 0);
  EXPECT_FALSE(Spawn(Program("no_such_program")).ok());
  ASSERT_EQ(::pthread_sigmask(SIG_UNBLOCK, &some, &after), 0);
  ASSERT_EQ(::sigaction(SIGPIPE, &old, &now), 0);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
  for (int signal = 1; signal <= 64; ++signal) {
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
  }
}

TEST_P(LauncherHygieneTest, LeadsASessionAndAGroupOfItsOwn) {
  Outcome outcome = Run(Program("probe_environment"));
  auto pid = Lines(outcome.out, "pid");
  ASSERT_EQ(pid.size(), 1u);
  EXPECT_EQ(Lines(outcome.out, "sid"), pid);
  EXPECT_EQ(Lines(outcome.out, "pgid"), pid);
}

// conformance 108
TEST_P(LauncherHygieneTest, InheritsNoDescriptorButItsOwn) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max <= 3000) GTEST_SKIP() << "only " << before.rlim_max << " descriptors here";
  const rlimit most = {before.rlim_max, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &most), 0);
  // Some that anyone might have left open without close-on-exec, far ones too.
  std::vector<UniqueFd> strays;
  for (int at : {3, 50, 51, 700, 3000}) {
    strays.emplace_back(::fcntl(STDERR_FILENO, F_DUPFD, at));
    ASSERT_TRUE(strays.back());
  }
  Outcome outcome = Run(Program("probe_environment"));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(HasOnlyStdio(outcome.out)) << outcome.out;
}

// conformance 108
TEST_P(LauncherHygieneTest, ClosesDescriptorsWithoutCloseRange) {
  const Command command = Program("probe_environment");
  UniqueFd stray(::fcntl(STDERR_FILENO, F_DUPFD, 900));
  ASSERT_TRUE(stray);
  EXPECT_EXIT(
      {
        if (!RefuseSystemCall(SYS_close_range, ENOSYS)) ::_exit(77);
        ::_exit(HasOnlyStdio(Run(command).out) ? 0 : 1);
      },
      [](int status) {
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
          ::fprintf(stderr, "not tested: no seccomp here\n");
          return true;
        }
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
      },
      "");
}

// conformance 108
TEST_P(LauncherHygieneTest, InheritsNothingFromSpawnsOfOtherThreads) {
  constexpr int kThreads = 8;
  constexpr int kSpawns = 100;
  std::vector<std::string> wrong(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, &wrong, i] {
      Command command = Program("probe_environment", {absl::StrCat(i)});
      command.stdin_mode = StdioMode::kPipe;
      for (int n = 0; n < kSpawns; ++n) {
        Outcome outcome = Run(command);
        auto arguments = Lines(outcome.out, "arg");
        if (outcome.returncode != 0 || !HasOnlyStdio(outcome.out) || arguments.size() != 2 ||
            arguments[1] != absl::StrCat(i)) {
          wrong[i] = outcome.out;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& out : wrong) EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace proctor
