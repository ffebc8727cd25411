// Spawns that fail, each of which must leave nothing behind: the fixture looks.
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/spawn/clone_spawn.h"
#include "core/spawn/newborn_guard.h"
#include "proctor/error.h"
#include "tests/core/spawn/launch_fixture.h"

namespace proctor {
namespace {

using testing::HasSubstr;
using testing::Le;

class LauncherFailureTest : public LaunchFixture {
 protected:
  static Command Of(const std::string& program) {
    Command command;
    command.argv = {program};
    command.stdin_mode = StdioMode::kPipe;
    return command;
  }

  // What an error tells, in one line.
  static std::string Told(const absl::Status& status) {
    auto variables = ErrorVariables(status);
    return absl::StrCat(absl::StatusCodeToString(status.code()), " ", ErrorReason(status), " ",
                        variables["stage"], " ", variables["errno_name"], " ", variables["errno"]);
  }
  std::string SpawnAndTell(const Command& command) const { return Told(Spawn(command).status()); }
};

INSTANTIATE_TEST_SUITE_P(Methods, LauncherFailureTest,
                         testing::Values(LaunchMethod::kClone3, LaunchMethod::kClone), MethodName);

// conformance 100
TEST_P(LauncherFailureTest, NoSuchProgram) {
  auto child = Spawn(Of("/no/such"));
  EXPECT_EQ(Told(child.status()), "NOT_FOUND EXECUTABLE_NOT_FOUND exec ENOENT 2");
  EXPECT_EQ(child.status().message(), "spawn '/no/such': No such file or directory");
  EXPECT_EQ(SpawnAndTell(Of("no_such_program")), "NOT_FOUND EXECUTABLE_NOT_FOUND exec ENOENT 2");
  EXPECT_EQ(SpawnAndTell(Of("/etc/passwd/x")), "NOT_FOUND EXECUTABLE_NOT_FOUND exec ENOTDIR 20");
}

// conformance 100
TEST_P(LauncherFailureTest, NotExecutable) {
  ScratchDirectory scratch;
  const std::string reason = "FAILED_PRECONDITION EXECUTABLE_NOT_RUNNABLE exec ";
  EXPECT_EQ(SpawnAndTell(Of("/etc/passwd")), reason + "EACCES 13");
  EXPECT_EQ(SpawnAndTell(Of("/tmp")), reason + "EACCES 13");
  EXPECT_EQ(SpawnAndTell(Of(scratch.Write("text", "no program\n", 0755))), reason + "ENOEXEC 8");
  ASSERT_EQ(::symlink("loop", (scratch.path() + "/loop").c_str()), 0);
  EXPECT_EQ(SpawnAndTell(Of(scratch.path() + "/loop")), reason + "ELOOP 40");
  EXPECT_EQ(SpawnAndTell(Of("/" + std::string(300, 'x'))), reason + "ENAMETOOLONG 36");
}

TEST_P(LauncherFailureTest, DeniedInThePathBeatsMissing) {
  ScratchDirectory scratch;
  scratch.Write("denied_program", "", 0644);
  Command command = Of("denied_program");
  command.env = {{"PATH", scratch.path() + ":/nonexistent"}};
  EXPECT_EQ(SpawnAndTell(command), "FAILED_PRECONDITION EXECUTABLE_NOT_RUNNABLE exec EACCES 13");
}

TEST_P(LauncherFailureTest, AScriptWhoseInterpreterIsMissing) {
  ScratchDirectory scratch;
  scratch.Write("script", "#!/no/such/interpreter\n", 0755);
  Command command = Of("./script");
  command.cwd = scratch.path();
  auto child = Spawn(command);
  EXPECT_EQ(Told(child.status()), "FAILED_PRECONDITION EXECUTABLE_NOT_RUNNABLE exec ENOENT 2");
  EXPECT_THAT(std::string(child.status().message()), HasSubstr("'./script'"));
  EXPECT_THAT(std::string(child.status().message()), HasSubstr("interpreter is missing"));
}

// conformance 100
TEST_P(LauncherFailureTest, UnusableDirectory) {
  Command command = Program("exit_with");
  const std::string reason = "FAILED_PRECONDITION WORKING_DIRECTORY_UNUSABLE chdir ";
  command.cwd = "/etc/passwd";
  auto child = Spawn(command);
  EXPECT_EQ(Told(child.status()), reason + "ENOTDIR 20");
  EXPECT_EQ(child.status().message(), "chdir '/etc/passwd': Not a directory");
  command.cwd = "/no/such";
  EXPECT_EQ(SpawnAndTell(command), reason + "ENOENT 2");
  command.argv = {"no_such_program"};
  EXPECT_EQ(SpawnAndTell(command), reason + "ENOENT 2");
}

// conformance 100
TEST_P(LauncherFailureTest, ArgumentsTooLong) {
  Command command = Program("exit_with", {std::string(200 << 10, 'x')});
  auto child = Spawn(command);
  EXPECT_EQ(Told(child.status()), "INVALID_ARGUMENT ARGUMENTS_TOO_LONG exec E2BIG 7");
  EXPECT_EQ(ErrorVariables(child.status())["field"], "argv");
}

TEST_P(LauncherFailureTest, MessagesStayShort) {
  auto child = Spawn(Of("/" + std::string(200 << 10, '\x01')));
  EXPECT_FALSE(child.ok());
  EXPECT_THAT(child.status().message().size(), Le(1000u));
}

// conformance 100
TEST_P(LauncherFailureTest, OutOfDescriptors) {
  const Command command = Of(PROCTOR_TEST_PROGRAMS "/exit_with");
  rlimit saved;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &saved), 0);
  std::vector<std::string> failures;
  bool succeeded = false;
  for (rlim_t most = 0; most < saved.rlim_cur && !succeeded; ++most) {
    rlimit limit = {most, saved.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    auto child = Spawn(command);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &saved), 0);
    succeeded = child.ok();
    if (succeeded) {
      EXPECT_EQ(Finish(*std::move(child)).returncode, 0);
    } else {
      EXPECT_EQ(ErrorReason(child.status()), "SPAWN_RESOURCES") << child.status();
      EXPECT_TRUE(absl::IsResourceExhausted(child.status()));
      failures.push_back(ErrorVariables(child.status())["stage"] + " " +
                         ErrorVariables(child.status())["errno_name"]);
    }
  }
  EXPECT_TRUE(succeeded);
  ASSERT_FALSE(failures.empty());
  EXPECT_EQ(failures.front(), "pipe EMFILE");
  EXPECT_EQ(failures.back(), "clone EMFILE");  // the pidfd
}

// Where seccomp is not to be had, a forked child says so and ends with this.
constexpr int kNotTested = 77;

bool Passed(int status) {
  return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kNotTested);
}

void Refuse(long system_call, int error) {
  if (RefuseSystemCall(system_call, error)) return;
  ::fprintf(stderr, "not tested: no seccomp here\n");
  ::_exit(kNotTested);
}

// conformance 100
TEST_P(LauncherFailureTest, OutOfProcesses) {
  auto body = [this] {
    Refuse(GetParam() == LaunchMethod::kClone3 ? SYS_clone3 : SYS_clone, EAGAIN);
    const std::string told = SpawnAndTell(Of(PROCTOR_TEST_PROGRAMS "/exit_with"));
    ::fprintf(stderr, "%s\n", told.c_str());
    ::_exit(told == "RESOURCE_EXHAUSTED SPAWN_RESOURCES clone EAGAIN 11" && !HasChildren() ? 0 : 1);
  };
  EXPECT_EXIT(body(), Passed, "");
}

// conformance 100
TEST_P(LauncherFailureTest, OutOfMemory) {
  const struct {
    long system_call;
    const char* stage;
  } cases[] = {{GetParam() == LaunchMethod::kClone3 ? SYS_clone3 : SYS_clone, "clone"},
               {SYS_execve, "exec"}};
  for (const auto& [system_call, stage] : cases) {
    auto body = [this, number = system_call, stage = std::string(stage)] {
      Refuse(number, ENOMEM);
      const std::string told = SpawnAndTell(Of(PROCTOR_TEST_PROGRAMS "/exit_with"));
      ::fprintf(stderr, "%s\n", told.c_str());
      const std::string expected = "RESOURCE_EXHAUSTED SPAWN_RESOURCES " + stage + " ENOMEM 12";
      ::_exit(told == expected && !HasChildren() ? 0 : 1);
    };
    EXPECT_EXIT(body(), Passed, "") << stage;
  }
}

TEST(LauncherFallbackTest, SpawnsWithoutClone3) {
  ProbeLauncher();  // before the filter: Launch itself must notice
  auto body = [] {
    Refuse(SYS_clone3, ENOSYS);
    Command command;
    command.argv = {PROCTOR_TEST_PROGRAMS "/exit_with", "3"};
    auto refused = LaunchBy(LaunchMethod::kClone3, command);
    auto child = Launch(command);
    if (!absl::IsUnimplemented(refused.status()) || !child.ok()) ::_exit(1);
    siginfo_t info = {};
    ::waitid(P_PID, static_cast<id_t>(child->child.pid), &info, WEXITED);
    ::_exit(info.si_status == 3 ? 0 : 2);
  };
  EXPECT_EXIT(body(), Passed, "");
}

TEST(LauncherFallbackTest, TakesEveryRefusalOfClone3ForOne) {
  for (int error : {ENOSYS, EPERM, E2BIG, EINVAL}) {
    auto body = [error] {
      // Its thread is made before: glibc makes threads by clone3, too.
      if (!NewbornGuard::Get().ok()) ::_exit(2);
      Refuse(SYS_clone3, error);
      Command command;
      command.argv = {PROCTOR_TEST_PROGRAMS "/exit_with", "3"};
      auto refused = LaunchBy(LaunchMethod::kClone3, command);
      absl::Status probe = ProbeClone3(-1);
      ::_exit(absl::IsUnimplemented(refused.status()) && absl::IsUnimplemented(probe) &&
                      probe.message() == "clone3: " + ErrnoText(error)
                  ? 0
                  : 1);
    };
    EXPECT_EXIT(body(), Passed, "") << error;
  }
}

}  // namespace
}  // namespace proctor
