#include "core/storage/lock_holders.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proctor/unique_fd.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

constexpr uid_t kSomebody = 54321;

// A server of another user than root that is not dumpable, and a newborn of it, which has its lock.
// Writes the newborn's pid to `pids`, and ends; or waits, so that it is the newborn's parent still.
[[noreturn]] void Serve(const std::string& file, const char* name, int pids, bool ends,
                        bool of_another_program) {
  const int lock = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0) ::_exit(2);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::pthread_setname_np(::pthread_self(), name);
  // That is where proc(5), cmdline, has it from.
  if (of_another_program) program_invocation_short_name[0] = '#';
  const pid_t newborn = ::fork();
  if (newborn == 0) {
    for (;;) ::pause();
  }
  // The name was that of a thread: the process has another one.
  ::pthread_setname_np(::pthread_self(), "proctord");
  if (::write(pids, &newborn, sizeof newborn) != sizeof newborn) ::_exit(3);
  while (!ends) ::pause();
  ::_exit(0);
}

class LockHoldersTest : public testing::Test {
 protected:
  // Whom the next server would kill, as the same user; the newborn is killed in the end.
  bool IsKilled(const char* name, bool ends, bool of_another_program = false) {
    int pids[2];
    EXPECT_EQ(::pipe2(pids, O_CLOEXEC), 0);
    const pid_t user = ::fork();
    if (user == 0) {
      if (::geteuid() == 0 && ::setresuid(kSomebody, kSomebody, kSomebody) != 0) ::_exit(4);
      ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
      const pid_t server = ::fork();
      if (server == 0) Serve(file_, name, pids[1], ends, of_another_program);
      pid_t newborn = 0;
      if (::read(pids[0], &newborn, sizeof newborn) != sizeof newborn) ::_exit(5);
      if (ends) ::waitpid(server, nullptr, 0);
      const int own = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
      const std::vector<pid_t> killed = KillLockHolders(own);
      const bool found = std::find(killed.begin(), killed.end(), newborn) != killed.end();
      ::kill(newborn, SIGKILL);
      if (!ends) ::kill(server, SIGKILL);
      ::_exit(found ? 1 : 0);
    }
    ::close(pids[0]);
    ::close(pids[1]);
    int status = 0;
    EXPECT_EQ(::waitpid(user, &status, 0), user);
    EXPECT_TRUE(WIFEXITED(status)) << status;
    EXPECT_LE(WEXITSTATUS(status), 1) << status;
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
  }

  LockHoldersTest() {
    const UniqueFd made(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    EXPECT_EQ(::fchmod(made.get(), 0666), 0);
    EXPECT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  }

  TemporaryDirectory directory_;
  const std::string file_ = directory_.path() + "/starting";
};

TEST_F(LockHoldersTest, KillsANewbornThatHidesItsDescriptors) {
  EXPECT_TRUE(IsKilled("session-abcdefg", true));
}

TEST_F(LockHoldersTest, LeavesOthersAloneThatHideTheirs) {
  EXPECT_FALSE(IsKilled("ssh-agent", true));
}

TEST_F(LockHoldersTest, LeavesAnotherProgramsAlone) {
  EXPECT_FALSE(IsKilled("session-manager", true, /*of_another_program=*/true));
}

TEST_F(LockHoldersTest, LeavesTheNewbornOfALivingServerAlone) {
  EXPECT_FALSE(IsKilled("session-abcdefg", false));
}

}  // namespace
}  // namespace proctor
