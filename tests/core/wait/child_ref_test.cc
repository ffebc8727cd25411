#include "proctor/child_ref.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace proctor {
namespace {

// Children that wait for a signal.
class SignalChildTest : public testing::Test {
 protected:
  static ChildRef Spawn() {
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (;;) ::pause();
    }
    return {pid, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))};
  }

  // Returns the signal that the child died of.
  static int Reap(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
};

TEST_F(SignalChildTest, ReachesTheChildUntilItIsReaped) {
  const ChildRef child = Spawn();
  ASSERT_TRUE(child.pidfd);
  EXPECT_EQ(SignalChild(child, SIGTERM), 0);
  EXPECT_EQ(Reap(child.pid), SIGTERM);
  EXPECT_EQ(SignalChild(child, SIGTERM), ESRCH);
}

TEST_F(SignalChildTest, GoesByTheNumberWithoutAPidfd) {
  const ChildRef child = Spawn();
  EXPECT_EQ(SignalChild({child.pid}, SIGTERM), 0);
  EXPECT_EQ(Reap(child.pid), SIGTERM);
}

// conformance 104
TEST_F(SignalChildTest, SparesAnotherThatHasTheNumber) {
  const ChildRef gone = Spawn();
  ASSERT_TRUE(gone.pidfd);
  ::kill(gone.pid, SIGKILL);
  Reap(gone.pid);
  const ChildRef other = Spawn();
  EXPECT_EQ(SignalChild({other.pid, gone.pidfd}, SIGTERM), ESRCH);
  ::kill(other.pid, SIGKILL);
  EXPECT_EQ(Reap(other.pid), SIGKILL);
}

TEST_F(SignalChildTest, TheCopiesShareOneDescriptor) {
  ChildRef child = Spawn();
  const int pidfd = child.pidfd.get();
  ChildRef copy = child;
  EXPECT_EQ(copy.pidfd.get(), pidfd);
  child = {};
  EXPECT_EQ(SignalChild(copy, SIGKILL), 0);
  EXPECT_EQ(Reap(copy.pid), SIGKILL);
  copy = {};
  EXPECT_EQ(::fcntl(pidfd, F_GETFD), -1);
}

}  // namespace
}  // namespace proctor
