#include "core/storage/state_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proctor/error.h"
#include "tests/core/storage/noted_warnings.h"
#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

struct stat StatusOf(const std::string& path) {
  struct stat status = {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status;
}

class StateDirectoryTest : public testing::Test {
 protected:
  StateDirectoryTest() : umask_(::umask(0)) {}
  ~StateDirectoryTest() override { ::umask(umask_); }

  const mode_t umask_;
  TemporaryDirectory parent_;
};

TEST_F(StateDirectoryTest, MakesItForItsOwnerAlone) {
  auto directory = StateDirectory::Open(parent_.File("a/b/state"));
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(StatusOf(parent_.File("a/b/state")).st_mode & 07777, 0700u);
  EXPECT_EQ(StatusOf(parent_.File("a/b/state/lock")).st_mode & 07777, 0600u);
  EXPECT_EQ((*directory)->path(), parent_.File("a/b/state"));
}

TEST_F(StateDirectoryTest, MakesItForItsOwnerAloneWithASlashAtTheEnd) {
  auto directory = StateDirectory::Open(parent_.File("state/"));
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(StatusOf(parent_.File("state")).st_mode & 07777, 0700u);
}

TEST_F(StateDirectoryTest, AnExistingOneKeepsItsMode) {
  ASSERT_EQ(::mkdir(parent_.File("state").c_str(), 0750), 0);
  ASSERT_TRUE(StateDirectory::Open(parent_.File("state")).ok());
  EXPECT_EQ(StatusOf(parent_.File("state")).st_mode & 07777, 0750u);
}

TEST_F(StateDirectoryTest, IsRefusedWhereOthersMayWrite) {
  ASSERT_EQ(::mkdir(parent_.File("state").c_str(), 0777), 0);  // the umask is 0
  EXPECT_EQ(ErrorReason(StateDirectory::Open(parent_.File("state")).status()),
            "STATE_DIR_UNUSABLE");
}

TEST_F(StateDirectoryTest, MakesNoneOfTheDirectoriesAboveForOthers) {
  ASSERT_TRUE(StateDirectory::Open(parent_.File("a/state")).ok());
  EXPECT_EQ(StatusOf(parent_.File("a")).st_mode & 07777, 0700u);
}

TEST_F(StateDirectoryTest, NoPlantedLinkIsFollowed) {
  std::ofstream(parent_.File("victim")) << "precious";
  for (const char* name : {"lock", "reserve", "events.db", "events.db-wal"}) {
    ASSERT_EQ(::mkdir(parent_.File("state").c_str(), 0700), 0);
    const std::string planted = parent_.File(absl::StrCat("state/", name));
    ASSERT_EQ(::symlink(parent_.File("victim").c_str(), planted.c_str()), 0);
    EXPECT_EQ(ErrorReason(StateDirectory::Open(parent_.File("state")).status()),
              "STATE_DIR_UNUSABLE")
        << name;
    std::filesystem::remove_all(parent_.File("state"));
  }
  EXPECT_EQ(std::filesystem::file_size(parent_.File("victim")), 8u);
}

TEST_F(StateDirectoryTest, WhatIsNoDirectoryIsRefused) {
  const auto refused = StateDirectory::Open("/dev/null/state");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(refused.status()), "STATE_DIR_UNUSABLE");
  EXPECT_EQ(ErrorVariables(refused.status())["errno_name"], "ENOTDIR");
  EXPECT_EQ(ErrorReason(StateDirectory::Open("/dev/null").status()), "STATE_DIR_UNUSABLE");
}

TEST_F(StateDirectoryTest, BelongsToOneServerAtATimeHoweverThatEnds) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = StateDirectory::Open(parent_.path());
    if (!held.ok() || ::write(ready[1], "x", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char text;
  ASSERT_EQ(::read(ready[0], &text, 1), 1);
  const auto refused = StateDirectory::Open(parent_.path());
  EXPECT_EQ(ErrorReason(refused.status()), "STATE_DIR_IN_USE");
  EXPECT_EQ(ErrorVariables(refused.status())["pid"], absl::StrCat(child));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(StateDirectory::Open(parent_.path()).ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

// A server that is killed while a child of it is between clone and exec. The child does as
// `newborn` says with what it has inherited.
class DyingServer {
 public:
  DyingServer(const std::string& path, std::function<void(const StateDirectory&)> newborn) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // the newborn becomes ours
    int ready[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    const pid_t server = ::fork();
    if (server == 0) {
      auto directory = StateDirectory::Open(path);
      if (!directory.ok()) ::_exit(1);
      if (const pid_t child = ::fork(); child != 0) {
        for (;;) ::pause();
      }
      const pid_t self = ::getpid();
      if (::write(ready[1], &self, sizeof self) != sizeof self) ::_exit(1);
      newborn(**directory);
      ::_exit(0);
    }
    EXPECT_EQ(::read(ready[0], &newborn_, sizeof newborn_), sizeof newborn_);
    ::close(ready[0]);
    ::close(ready[1]);
    ::kill(server, SIGKILL);
    ::waitpid(server, nullptr, 0);
  }
  ~DyingServer() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }

  pid_t newborn() const { return newborn_; }
  // How the newborn ended, as waitpid tells.
  int AwaitNewborn() const {
    int status = 0;
    EXPECT_EQ(::waitpid(newborn_, &status, 0), newborn_);
    return status;
  }

 private:
  pid_t newborn_ = 0;
};

// All that a child has but its fence.
void CloseAllBut(int fence) {
  for (int fd = 3; fd < 1024; ++fd) {
    if (fd != fence) ::close(fd);
  }
}

TEST_F(StateDirectoryTest, IsToBeHadSoonThoughANewbornOfADeadServerStillHoldsItsLock) {
  const DyingServer dying(parent_.path(), [](const StateDirectory&) {
    absl::SleepFor(absl::Milliseconds(100));  // as long as it takes to close what it inherited
  });
  EXPECT_TRUE(StateDirectory::Open(parent_.path()).ok());
  EXPECT_EQ(dying.AwaitNewborn(), 0);
}

TEST_F(StateDirectoryTest, EndsNewbornsOfADeadServerBeforeTheyBecomeAProgram) {
  NotedWarnings warnings;
  // Who reads the file has no lock on it, and is left alone.
  std::ofstream(parent_.File("starting")).flush();
  int go[2];
  ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::close(go[1]);
    const int file = ::open(parent_.File("starting").c_str(), O_RDONLY);
    char text;
    ::_exit(file >= 0 && ::read(go[0], &text, 1) == 0 ? 0 : 1);
  }
  const DyingServer dying(parent_.path(), [](const StateDirectory& directory) {
    CloseAllBut(directory.fence());
    for (;;) ::pause();
  });
  EXPECT_TRUE(StateDirectory::Open(parent_.path()).ok());
  EXPECT_EQ(dying.AwaitNewborn(), SIGKILL);
  EXPECT_EQ(warnings.Count(absl::StrCat("begun to start process ", dying.newborn())), 1u);
  ::close(go[0]);
  ::close(go[1]);
  int status = 0;
  EXPECT_EQ(::waitpid(reader, &status, 0), reader);
  EXPECT_EQ(status, 0);
}

TEST_F(StateDirectoryTest, AStartedProgramDoesNotHoldIt) {
  pid_t child = 0;
  {
    auto directory = StateDirectory::Open(parent_.path());
    ASSERT_TRUE(directory.ok());
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    child = ::fork();
    if (child == 0) {
      ::dup2(ready[1], STDOUT_FILENO);
      ::execl(PROCTOR_TEST_PROGRAMS "/wait_forever", "wait_forever", nullptr);
      ::_exit(1);
    }
    char text;
    ASSERT_EQ(::read(ready[0], &text, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  EXPECT_TRUE(StateDirectory::Open(parent_.path()).ok());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(StateDirectoryTest, TheReserveIsOfRealBlocksGivenUpAndTakenAgain) {
  const std::string reserve = parent_.File("reserve");
  auto directory = *StateDirectory::Open(parent_.path());
  EXPECT_FALSE(directory->has_reserve());
  EXPECT_FALSE(directory->ReleaseReserve());  // there is none
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(directory->TakeReserve().ok());
    ASSERT_TRUE(directory->TakeReserve().ok());  // no more than once
    EXPECT_TRUE(directory->has_reserve());
    EXPECT_EQ(StatusOf(reserve).st_size, StateDirectory::kReserveBytes);
    EXPECT_GE(StatusOf(reserve).st_blocks * 512, StateDirectory::kReserveBytes);
    EXPECT_EQ(StatusOf(reserve).st_mode & 07777, 0600u);
    EXPECT_TRUE(directory->ReleaseReserve());
    EXPECT_FALSE(directory->has_reserve());
    EXPECT_EQ(StatusOf(reserve).st_blocks, 0);
    EXPECT_FALSE(directory->ReleaseReserve());
  }
}

TEST_F(StateDirectoryTest, TheReserveOutlivesItsServer) {
  ASSERT_TRUE((*StateDirectory::Open(parent_.path()))->TakeReserve().ok());
  EXPECT_GE(StatusOf(parent_.File("reserve")).st_blocks * 512, StateDirectory::kReserveBytes);
  auto directory = *StateDirectory::Open(parent_.path());
  ASSERT_TRUE(directory->TakeReserve().ok());
  EXPECT_TRUE(directory->ReleaseReserve());
  EXPECT_EQ(StatusOf(parent_.File("reserve")).st_blocks, 0);
}

}  // namespace
}  // namespace proctor
