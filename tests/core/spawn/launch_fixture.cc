#include "tests/core/spawn/launch_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proctor {
namespace {

// Takes what there is. False at the end.
bool ReadSome(int fd, std::string& text) {
  char block[65536];
  ssize_t size = ::read(fd, block, sizeof(block));
  if (size > 0) text.append(block, static_cast<size_t>(size));
  return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

// Feeds and reads until every pipe is at its end.
void Exchange(LaunchedProcess& child, std::string_view input, std::string& out, std::string& err) {
  if (input.empty()) child.stdin_pipe.Reset();
  while (child.stdin_pipe || child.stdout_pipe || child.stderr_pipe) {
    pollfd events[] = {{child.stdin_pipe.get(), POLLOUT, 0},
                       {child.stdout_pipe.get(), POLLIN, 0},
                       {child.stderr_pipe.get(), POLLIN, 0}};
    ASSERT_GT(::poll(events, 3, -1), 0);
    if (events[0].revents != 0) {
      ssize_t size = ::write(child.stdin_pipe.get(), input.data(), input.size());
      ASSERT_TRUE(size >= 0 || errno == EAGAIN);
      if (size > 0) input.remove_prefix(static_cast<size_t>(size));
      if (input.empty()) child.stdin_pipe.Reset();
    }
    if (events[1].revents != 0 && !ReadSome(child.stdout_pipe.get(), out)) {
      child.stdout_pipe.Reset();
    }
    if (events[2].revents != 0 && !ReadSome(child.stderr_pipe.get(), err)) {
      child.stderr_pipe.Reset();
    }
  }
}

}  // namespace

void LaunchFixture::SetUp() {
  const LauncherInfo launcher = ProbeLauncher();  // from here on it has its descriptor
  if (GetParam() == LaunchMethod::kClone3 && launcher.method != LaunchMethod::kClone3) {
    GTEST_SKIP() << "clone3 does not work here: " << launcher.reason;
  }
  descriptors_ = OpenDescriptors();
  ASSERT_FALSE(HasChildren());
}

void LaunchFixture::TearDown() {
  if (IsSkipped()) return;
  EXPECT_EQ(OpenDescriptors(), descriptors_);
  EXPECT_FALSE(HasChildren());
}

Command LaunchFixture::Program(std::string_view name, const std::vector<std::string>& arguments) {
  Command command;
  command.argv = {absl::StrCat(PROCTOR_TEST_PROGRAMS, "/", std::string(name))};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

LaunchFixture::Outcome LaunchFixture::Run(const Command& command, std::string_view input) const {
  auto child = Spawn(command);
  if (!child.ok()) {
    ADD_FAILURE() << child.status();
    return {};
  }
  return Finish(*std::move(child), input);
}

LaunchFixture::Outcome LaunchFixture::Finish(LaunchedProcess child, std::string_view input) {
  Outcome outcome;
  Exchange(child, input, outcome.out, outcome.err);
  siginfo_t info = {};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(child.child.pid), &info, WEXITED), 0);
  EXPECT_EQ(info.si_pid, child.child.pid);
  outcome.returncode = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
  return outcome;
}

bool HasChildren() {
  siginfo_t info;
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

std::vector<std::string> Lines(std::string_view text, std::string_view word) {
  std::vector<std::string> lines;
  const std::string prefix = absl::StrCat(std::string(word), " ");
  for (absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    if (line.substr(0, prefix.size()) == prefix) lines.emplace_back(line.substr(prefix.size()));
  }
  return lines;
}

bool RefuseSystemCall(long number, int error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

std::string MethodName(const testing::TestParamInfo<LaunchMethod>& info) {
  return info.param == LaunchMethod::kClone3 ? "Clone3" : "Clone";
}

}  // namespace proctor
