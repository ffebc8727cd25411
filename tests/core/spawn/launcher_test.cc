#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "core/spawn/launch_method.h"
#include "proctor/error.h"
#include "tests/core/spawn/launch_fixture.h"

namespace proctor {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class LauncherTest : public LaunchFixture {};

INSTANTIATE_TEST_SUITE_P(Methods, LauncherTest,
                         testing::Values(LaunchMethod::kClone3, LaunchMethod::kClone), MethodName);

TEST_P(LauncherTest, ReportsExitCodesAndSignals) {
  for (int code : {0, 1, 127, 255}) {
    EXPECT_EQ(Run(Program("exit_with", {absl::StrCat(code)})).returncode, code);
  }
  for (int signal : {SIGKILL, SIGTERM, SIGSEGV, 34}) {
    EXPECT_EQ(Run(Program("kill_self", {absl::StrCat(signal)})).returncode, -signal);
  }
}

TEST_P(LauncherTest, GivesAPidfdOfTheChild) {
  auto child = Spawn(Program("exit_with", {"7"}));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_TRUE(child->child.pidfd);
  EXPECT_NE(::fcntl(child->child.pidfd.get(), F_GETFD) & FD_CLOEXEC, 0);
  siginfo_t info = {};
  ASSERT_EQ(::waitid(P_PIDFD, static_cast<id_t>(child->child.pidfd.get()), &info, WEXITED), 0);
  EXPECT_EQ(info.si_pid, child->child.pid);
  EXPECT_EQ(info.si_status, 7);
}

TEST_P(LauncherTest, PassesArgumentsUnchanged) {
  Command command = Program("probe_environment", {"", "two words", "$HOME *", "\xff\x01", "ü"});
  EXPECT_THAT(Lines(Run(command).out, "arg"),
              ElementsAre(command.argv[0], "", "two words", "$HOME *", "\xff\x01", "ü"));
}

TEST_P(LauncherTest, CarriesLargeDataBothWays) {
  Command command = Program("copy_stdin");
  command.stdin_mode = StdioMode::kPipe;
  std::string input(1 << 20, '\0');
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<char>(i * 31 >> 3);
  Outcome outcome = Run(command, input);
  EXPECT_TRUE(outcome.out == input);
  EXPECT_EQ(outcome.err, "1048576\n");
}

TEST_P(LauncherTest, SeparatesStdoutAndStderr) {
  Outcome outcome = Run(Program("spew", {"3", "5"}));
  EXPECT_EQ(outcome.out, "abc");
  EXPECT_EQ(outcome.err, "ABCDE");
}

TEST_P(LauncherTest, MergesStderrIntoStdout) {
  Command command = Program("spew", {"3", "5"});
  command.stderr_mode = StdioMode::kMerged;
  auto child = Spawn(command);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_FALSE(child->stderr_pipe);
  EXPECT_EQ(Finish(*std::move(child)).out, "abcABCDE");
}

TEST_P(LauncherTest, ConnectsToDevNull) {
  Command command = Program("probe_environment");
  command.stderr_mode = StdioMode::kNull;
  auto child = Spawn(command);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_FALSE(child->stdin_pipe);
  EXPECT_FALSE(child->stderr_pipe);
  auto descriptors = Lines(Finish(*std::move(child)).out, "fd");
  ASSERT_EQ(descriptors.size(), 3u);
  EXPECT_EQ(descriptors[0], "0 blocking /dev/null");
  EXPECT_THAT(descriptors[1], StartsWith("1 blocking pipe:"));
  EXPECT_EQ(descriptors[2], "2 blocking /dev/null");
}

TEST_P(LauncherTest, MergesIntoDevNullToo) {
  Command command = Program("spew", {"3", "5"});
  command.stdout_mode = StdioMode::kNull;
  command.stderr_mode = StdioMode::kMerged;
  auto child = Spawn(command);
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_FALSE(child->stdout_pipe);
  EXPECT_FALSE(child->stderr_pipe);
  EXPECT_EQ(Finish(*std::move(child)).returncode, 0);
}

TEST_P(LauncherTest, OnlyTheServersEndsAreNonBlocking) {
  Command command = Program("probe_environment");
  command.stdin_mode = StdioMode::kPipe;
  auto child = Spawn(command);
  ASSERT_TRUE(child.ok()) << child.status();
  for (const UniqueFd* end : {&child->stdin_pipe, &child->stdout_pipe, &child->stderr_pipe}) {
    EXPECT_NE(::fcntl(end->get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(end->get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_GE(end->get(), 3);
  }
  auto descriptors = Lines(Finish(*std::move(child)).out, "fd");
  ASSERT_EQ(descriptors.size(), 3u);
  for (const auto& line : descriptors) EXPECT_THAT(line, HasSubstr(" blocking pipe:"));
}

TEST_P(LauncherTest, GivesExactlyTheEnvironmentAskedFor) {
  Command command = Program("probe_environment");
  command.env_base = EnvironmentBase::kClear;
  EXPECT_THAT(Lines(Run(command).out, "env"), IsEmpty());
  command.env = {{"B", "2=3"}, {"A", ""}, {"Ü", "x y"}};
  EXPECT_THAT(Lines(Run(command).out, "env"), ElementsAre("A=", "B=2=3", "Ü=x y"));
}

TEST_P(LauncherTest, LaysVariablesOverTheInheritedOnes) {
  ASSERT_EQ(::setenv("LAUNCHER_TEST_KEPT", "kept", 1), 0);
  ASSERT_EQ(::setenv("LAUNCHER_TEST_CHANGED", "old", 1), 0);
  Command command = Program("probe_environment");
  command.env = {{"LAUNCHER_TEST_CHANGED", "new"}};
  auto variables = Lines(Run(command).out, "env");
  ::unsetenv("LAUNCHER_TEST_KEPT");
  ::unsetenv("LAUNCHER_TEST_CHANGED");
  EXPECT_THAT(variables, Contains("LAUNCHER_TEST_KEPT=kept"));
  EXPECT_THAT(variables, Contains("LAUNCHER_TEST_CHANGED=new").Times(1));
  EXPECT_THAT(variables, Not(Contains("LAUNCHER_TEST_CHANGED=old")));
  EXPECT_TRUE(std::is_sorted(variables.begin(), variables.end(), [](auto& a, auto& b) {
    return a.substr(0, a.find('=')) < b.substr(0, b.find('='));
  }));
}

TEST_P(LauncherTest, WorksInTheDirectoryAskedFor) {
  ScratchDirectory scratch;
  Command command = Program("probe_environment");
  EXPECT_THAT(Lines(Run(command).out, "cwd"), ElementsAre(std::filesystem::current_path()));
  command.cwd = scratch.path();
  EXPECT_THAT(Lines(Run(command).out, "cwd"), ElementsAre(scratch.path()));
}

TEST_P(LauncherTest, FindsARelativeProgramInTheNewDirectory) {
  Command command;
  command.argv = {"./exit_with", "9"};
  command.cwd = PROCTOR_TEST_PROGRAMS;
  EXPECT_EQ(Run(command).returncode, 9);
}

TEST_P(LauncherTest, LooksUpThePathOfTheNewEnvironment) {
  Command command;
  command.argv = {"exit_with", "4"};
  command.env = {{"PATH", absl::StrCat("/nonexistent:", "/etc/passwd:", PROCTOR_TEST_PROGRAMS)}};
  EXPECT_EQ(Run(command).returncode, 4);
}

TEST_P(LauncherTest, ResolvesRelativePathEntriesInTheNewDirectory) {
  const std::filesystem::path programs = PROCTOR_TEST_PROGRAMS;
  Command command;
  command.argv = {"exit_with", "5"};
  command.cwd = programs.parent_path();
  command.env = {{"PATH", "/nonexistent:" + programs.filename().string()}};
  EXPECT_EQ(Run(command).returncode, 5);
  command.cwd = programs;
  for (const char* path : {"", "/nonexistent:", ":/nonexistent", "/nonexistent::/bin"}) {
    command.env = {{"PATH", path}};
    EXPECT_EQ(Run(command).returncode, 5) << path;
  }
}

TEST_P(LauncherTest, HasAUsualPathWhereTheEnvironmentHasNone) {
  Command command;
  command.argv = {"sh", "-c", "exit 6"};
  command.env_base = EnvironmentBase::kClear;
  EXPECT_EQ(Run(command).returncode, 6);
}

TEST_P(LauncherTest, PassesOverWhatIsNotExecutableInThePath) {
  ScratchDirectory scratch;
  scratch.Write("exit_with", "not a program", 0644);
  Command command;
  command.argv = {"exit_with", "8"};
  command.env = {{"PATH", absl::StrCat(scratch.path(), ":", PROCTOR_TEST_PROGRAMS)}};
  EXPECT_EQ(Run(command).returncode, 8);
}

TEST_P(LauncherTest, SetsTheUmask) {
  Command command = Program("probe_environment");
  mode_t own = ::umask(0022);
  EXPECT_THAT(Lines(Run(command).out, "umask"), ElementsAre("0022"));
  command.umask = 0137;
  EXPECT_THAT(Lines(Run(command).out, "umask"), ElementsAre("0137"));
  EXPECT_EQ(::umask(own), 0022u);
}

TEST_P(LauncherTest, SpawnsWithoutStdioOfItsOwn) {
  // In a forked child, whose 0, 1 and 2 are then free numbers for pipes.
  const Command command = Program("probe_environment");
  auto body = [this, &command] {
    for (int fd : {0, 1, 2}) ::close(fd);
    const auto before = OpenDescriptors();
    Outcome outcome = Run(command);
    auto descriptors = Lines(outcome.out, "fd");
    ::_exit(outcome.returncode == 0 && descriptors.size() == 3 &&
                    descriptors[0] == "0 blocking /dev/null" && OpenDescriptors() == before
                ? 0
                : 1);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST_P(LauncherTest, ReturnsWhileTheChildRuns) {
  auto child = Spawn(Program("wait_forever"));
  ASSERT_TRUE(child.ok()) << child.status();
  ASSERT_EQ(::kill(child->child.pid, SIGTERM), 0);
  Outcome outcome = Finish(*std::move(child));
  EXPECT_EQ(outcome.returncode, -SIGTERM);
}

TEST(LauncherProbeTest, SaysWhyNotClone3) {
  LauncherInfo info = ProbeLauncher();
  EXPECT_EQ(info.reason.empty(), info.method == LaunchMethod::kClone3) << info.reason;
}

}  // namespace
}  // namespace proctor
