// Whom a child runs as, and its limits.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/self/descriptor_limit.h"
#include "proctor/error.h"
#include "tests/core/spawn/launch_fixture.h"

namespace proctor {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class LauncherIdentityTest : public LaunchFixture {
 protected:
  void SetUp() override {
    LaunchFixture::SetUp();
    if (::geteuid() != 0) GTEST_SKIP() << "not root: another user cannot be had";
  }

  static Command As(ProcessUser user) {
    Command command = Program("probe_environment");
    command.user = std::move(user);
    return command;
  }
};

INSTANTIATE_TEST_SUITE_P(Methods, LauncherIdentityTest,
                         testing::Values(LaunchMethod::kClone3, LaunchMethod::kClone), MethodName);

TEST_P(LauncherIdentityTest, BecomesAUserByNameWithItsGroupAndNothingElse) {
  Outcome outcome = Run(As({.user = "nobody"}));
  const passwd* nobody = ::getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const std::string uid = absl::StrCat(nobody->pw_uid);
  const std::string gid = absl::StrCat(nobody->pw_gid);
  EXPECT_THAT(Lines(outcome.out, "uid"), ElementsAre(absl::StrJoin({uid, uid, uid}, " ")));
  EXPECT_THAT(Lines(outcome.out, "gid"), ElementsAre(absl::StrJoin({gid, gid, gid}, " ")));
  EXPECT_THAT(Lines(outcome.out, "groups"), ElementsAre(gid));
}

TEST_P(LauncherIdentityTest, TakesIdsThatHaveNoEntry) {
  Outcome outcome = Run(As({.user = "54321", .group = "54322"}));
  EXPECT_THAT(Lines(outcome.out, "uid"), ElementsAre("54321 54321 54321"));
  EXPECT_THAT(Lines(outcome.out, "gid"), ElementsAre("54322 54322 54322"));
  EXPECT_THAT(Lines(outcome.out, "groups"), ElementsAre("54322"));
}

TEST_P(LauncherIdentityTest, TakesTheGroupsThatAreAskedFor) {
  Outcome outcome =
      Run(As({.user = "nobody", .group = "54322", .supplementary_groups = {"54324", "54323"}}));
  EXPECT_THAT(Lines(outcome.out, "gid"), ElementsAre("54322 54322 54322"));
  EXPECT_THAT(Lines(outcome.out, "groups"), ElementsAre("54323 54324"));
}

TEST_P(LauncherIdentityTest, GivesTheEnvironmentOfTheUsersEntry) {
  Command command = As({.user = "nobody"});
  command.env_base = EnvironmentBase::kClear;
  command.env = {{"SHELL", "/bin/own"}};
  const passwd* nobody = ::getpwnam("nobody");
  const std::string home = absl::StrCat("HOME=", nobody->pw_dir);
  EXPECT_THAT(Lines(Run(command).out, "env"),
              ElementsAre(home, "LOGNAME=nobody", "SHELL=/bin/own", "USER=nobody"));
}

TEST_P(LauncherIdentityTest, GivesNothingOfTheServersToAnotherUser) {
  ASSERT_EQ(::setenv("LAUNCHER_TEST_SECRET", "42", 1), 0);
  Command command = As({.user = "nobody"});
  const std::string out = Run(command).out;
  command.env_base = EnvironmentBase::kInherit;
  const std::string asked = Run(command).out;
  ::unsetenv("LAUNCHER_TEST_SECRET");
  EXPECT_THAT(Lines(out, "env"), Not(Contains("LAUNCHER_TEST_SECRET=42")));
  EXPECT_THAT(Lines(out, "cwd"), ElementsAre("/"));
  EXPECT_THAT(Lines(asked, "env"), Contains("LAUNCHER_TEST_SECRET=42"));
}

TEST_P(LauncherIdentityTest, OpensItsOwnStreamsByTheirNames) {
  Command command;
  command.argv = {"/bin/sh", "-c", "cat /dev/stdin >/dev/stdout && echo e >/dev/stderr"};
  command.stdin_mode = StdioMode::kPipe;
  command.user.user = "nobody";
  const Outcome outcome = Run(command, "in");
  EXPECT_EQ(outcome.returncode, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "in");
  EXPECT_EQ(outcome.err, "e\n");
}

TEST_P(LauncherIdentityTest, EntersTheWorkingDirectoryAsTheUser) {
  ScratchDirectory scratch;
  ASSERT_EQ(::chmod(scratch.path().c_str(), 0700), 0);
  Command command = As({.user = "nobody"});
  command.cwd = scratch.path();
  auto child = Spawn(command);
  EXPECT_EQ(ErrorReason(child.status()), "WORKING_DIRECTORY_UNUSABLE") << child.status();
}

TEST_P(LauncherIdentityTest, RefusesWhoIsNotThere) {
  const struct {
    ProcessUser user;
    const char* field;
  } cases[] = {
      {{.user = "no-such-user"}, "user.user"},
      {{.user = "4294967295", .group = "1"}, "user.user"},
      {{.user = "nobody", .group = "no-such-group"}, "user.group"},
      {{.user = "54321"}, "user.group"},
      {{.user = "nobody", .supplementary_groups = {"no-such-group"}}, "user.supplementary_groups"},
  };
  for (const auto& wrong : cases) {
    auto child = Spawn(As(wrong.user));
    EXPECT_TRUE(absl::IsInvalidArgument(child.status())) << child.status();
    EXPECT_EQ(ErrorVariables(child.status())["field"], wrong.field) << child.status();
  }
}

// In a forked child that is an ordinary user.
TEST_P(LauncherIdentityTest, SaysThatAnOrdinaryUserCannotBecomeAnother) {
  auto body = [this] {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    auto other = Spawn(As({.user = "0"}));
    auto own = Spawn(As({.user = "65534", .group = "65534"}));
    Command terminal = As({.user = "0"});
    terminal.terminal.emplace();
    auto with_terminal = Spawn(terminal);
    const bool refused = ErrorReason(with_terminal.status()) == "IDENTITY_UNAVAILABLE" &&
                         ErrorReason(other.status()) == "IDENTITY_UNAVAILABLE" &&
                         ErrorVariables(other.status())["field"] == "user";
    // The own user takes no privilege, but its supplementary groups are others here.
    const bool told = own.ok() || ErrorReason(own.status()) == "IDENTITY_UNAVAILABLE";
    ::_exit(refused && told ? 0 : 1);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST_P(LauncherIdentityTest, SetsNoNewPrivilegesUnlessTheyAreAllowed) {
  Command command = Program("probe_environment");
  EXPECT_THAT(Lines(Run(command).out, "no_new_privs"), ElementsAre("1"));
  command.user.allow_new_privileges = true;
  EXPECT_THAT(Lines(Run(command).out, "no_new_privs"), ElementsAre("0"));
}

class LauncherLimitTest : public LaunchFixture {};

INSTANTIATE_TEST_SUITE_P(Methods, LauncherLimitTest,
                         testing::Values(LaunchMethod::kClone3, LaunchMethod::kClone), MethodName);

TEST_P(LauncherLimitTest, SetsResourceLimits) {
  Command command = Program("probe_environment");
  command.rlimits = {{"nofile", 33, 44}, {"core", 0, 0}, {"cpu", 7, std::nullopt}};
  auto limits = Lines(Run(command).out, "limit");
  EXPECT_THAT(limits, Contains(absl::StrCat(static_cast<int>(RLIMIT_NOFILE), " 33 44")));
  EXPECT_THAT(limits, Contains(absl::StrCat(static_cast<int>(RLIMIT_CORE), " 0 0")));
  EXPECT_THAT(limits, Contains(absl::StrCat(static_cast<int>(RLIMIT_CPU), " 7 -1")));
}

TEST_P(LauncherLimitTest, LeavesItsOwnLimitsAlone) {
  rlimit before, after;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  Command command = Program("exit_with", {"0"});
  command.rlimits = {{"nofile", 20, 20}};
  EXPECT_EQ(Run(command).returncode, 0);
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(before.rlim_cur, after.rlim_cur);
}

// In a forked child, because it holds for good.
TEST_P(LauncherLimitTest, GivesNoMoreDescriptorsThanThereWereBefore) {
  auto body = [this] {
    const rlimit low = {500, 600};
    rlimit raised = {};
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0) ::_exit(2);
    DescriptorLimit::Raise();
    if (::getrlimit(RLIMIT_NOFILE, &raised) != 0 || raised.rlim_cur != 600) ::_exit(3);
    Command command = Program("probe_environment");
    const auto plain = Lines(Run(command).out, "limit");
    command.rlimits = {{"nofile", 555, 600}};
    const auto named = Lines(Run(command).out, "limit");
    const std::string nofile = absl::StrCat(static_cast<int>(RLIMIT_NOFILE));
    const bool right =
        std::count(plain.begin(), plain.end(), absl::StrCat(nofile, " 500 600")) == 1 &&
        std::count(named.begin(), named.end(), absl::StrCat(nofile, " 555 600")) == 1;
    ::_exit(right ? 0 : 1);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST_P(LauncherLimitTest, AddsToTheNiceValue) {
  Command command = Program("probe_environment");
  command.nice = 5;
  EXPECT_THAT(Lines(Run(command).out, "nice"),
              ElementsAre(absl::StrCat(std::min(::getpriority(PRIO_PROCESS, 0) + 5, 19))));
}

TEST_P(LauncherLimitTest, SetsTheOomScore) {
  Command command = Program("probe_environment");
  command.oom_score_adj = 777;
  EXPECT_THAT(Lines(Run(command).out, "oom_score_adj"), ElementsAre("777"));
}

// In a child of its own, which reads its own value first: an ordinary user could not take it
// back. Not dumpable, without privileges, it may not open the file before the exec.
TEST_P(LauncherLimitTest, GivesNothingOfItsOwnOomScore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto body = [this](bool ordinary) {
    const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), "555", 3) != 3) ::_exit(2);
    if (ordinary && ::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(3);
    if (ordinary) ::prctl(PR_SET_DUMPABLE, 0);
    Command command;
    // It goes on once the launcher is done.
    command.argv = {"/bin/sh", "-c", "read line; cat /proc/self/oom_score_adj"};
    command.stdin_mode = StdioMode::kPipe;
    const std::string plain = Run(command, "go\n").out;
    command.oom_score_adj = 666;
    const std::string asked = Run(command, "go\n").out;
    command.oom_score_adj = -1000;
    const absl::Status protection = Spawn(command).status();
    ::fprintf(stderr, "%s%s%s\n", plain.c_str(), asked.c_str(), protection.ToString().c_str());
    // What only the privileged lower stays as it is where that was not asked for.
    const bool ordinary_told = ErrorReason(protection) == "LIMIT_UNAVAILABLE" &&
                               ErrorVariables(protection)["field"] == "oom_score_adj" &&
                               !HasChildren();
    const bool told = ordinary ? ordinary_told : plain == "0\n";
    ::_exit(asked == "666\n" && told ? 0 : 1);
  };
  EXPECT_EXIT(body(true), testing::ExitedWithCode(0), "");
  if (::geteuid() == 0) {
    EXPECT_EXIT(body(false), testing::ExitedWithCode(0), "");
  }
}

// In a forked child that is an ordinary user.
TEST_P(LauncherLimitTest, SaysWhichLimitTakesAPrivilege) {
  auto body = [this] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(2);
    rlimit low = {10, 10};
    ::setrlimit(RLIMIT_CORE, &low);
    Command command = Program("exit_with", {"0"});
    command.rlimits = {{"cpu", 9, 9}, {"core", 11, 11}};
    auto raised = Spawn(command);
    command.rlimits.clear();
    command.nice = -3;
    auto nicer = Spawn(command);
    ::fprintf(stderr, "%s\n%s\n", raised.status().ToString().c_str(),
              nicer.status().ToString().c_str());
    const bool told = ErrorReason(raised.status()) == "LIMIT_UNAVAILABLE" &&
                      ErrorVariables(raised.status())["field"] == "rlimits[1]" &&
                      ErrorVariables(raised.status())["limit"] == "core" &&
                      ErrorReason(nicer.status()) == "LIMIT_UNAVAILABLE" &&
                      ErrorVariables(nicer.status())["field"] == "nice";
    ::_exit(told ? 0 : 1);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

class LauncherTerminalTest : public LaunchFixture {};

INSTANTIATE_TEST_SUITE_P(Methods, LauncherTerminalTest,
                         testing::Values(LaunchMethod::kClone3, LaunchMethod::kClone), MethodName);

TEST_P(LauncherTerminalTest, ControlsTheChildAndHasItsSize) {
  Command command = Program("probe_environment");
  command.terminal = TerminalOptions{.size = {.rows = 33, .columns = 44}, .term = "vt52"};
  const std::string out = Run(command).out;
  auto terminals = Lines(out, "terminal");
  ASSERT_EQ(terminals.size(), 1u) << out;
  EXPECT_THAT(terminals[0], HasSubstr("33 44 /dev/pts/"));
  EXPECT_THAT(terminals[0], HasSubstr(" ours"));
  EXPECT_THAT(Lines(out, "env"), Contains(testing::StartsWith("TERM=vt52")));
  EXPECT_EQ(Lines(out, "fd").size(), 3u) << out;
}

TEST_P(LauncherTerminalTest, BelongsToTheUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: another user cannot be had";
  Command command;
  command.argv = {"/bin/sh", "-c", "stat -c '%u %a' $(tty)"};
  command.terminal.emplace();
  command.user.user = "nobody";
  EXPECT_EQ(Run(command).out, absl::StrCat(::getpwnam("nobody")->pw_uid, " 620\r\n"));
}

}  // namespace
}  // namespace proctor
