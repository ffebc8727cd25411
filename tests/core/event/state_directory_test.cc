#include "core/event/state_directory.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"
#include "tests/core/event/temporary_directory.h"

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
