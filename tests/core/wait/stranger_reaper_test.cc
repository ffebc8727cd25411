#include "core/wait/stranger_reaper.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/wait/child_wait.h"
#include "core/wait/watch_table.h"

namespace proctor {
namespace {

class StrangerReaperTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0); }
  void TearDown() override { ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0); }

  // An orphan that has come to this process and ended.
  static pid_t MakeOrphan() {
    int told[2];
    EXPECT_EQ(::pipe(told), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
      const pid_t orphan = ::fork();
      if (orphan == 0) ::_exit(3);
      (void)!::write(told[1], &orphan, sizeof orphan);
      ::_exit(0);
    }
    pid_t orphan = 0;
    EXPECT_EQ(::read(told[0], &orphan, sizeof orphan), static_cast<ssize_t>(sizeof orphan));
    ::close(told[0]);
    ::close(told[1]);
    EXPECT_EQ(::waitpid(parent, nullptr, 0), parent);
    AwaitZombie(orphan);
    return orphan;
  }

  static void AwaitZombie(pid_t pid) {
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  }

  static bool IsChild(pid_t pid) { return PeekChild({pid}).state != ChildLook::State::kGone; }
};

TEST_F(StrangerReaperTest, KnowsThatOrphansComeToASubreaper) {
  EXPECT_TRUE(AdoptsOrphans());
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
  EXPECT_EQ(AdoptsOrphans(), ::getpid() == 1);
}

TEST_F(StrangerReaperTest, ReapsOrphansThatHaveEnded) {
  const pid_t first = MakeOrphan();
  const pid_t second = MakeOrphan();
  EXPECT_EQ(ReapStrangers(), 2u);
  EXPECT_FALSE(IsChild(first));
  EXPECT_FALSE(IsChild(second));
  EXPECT_EQ(ReapStrangers(), 0u);
}

TEST_F(StrangerReaperTest, LeavesAChildThatIsWaitedForToWhoWaits) {
  const pid_t own = ::fork();
  if (own == 0) ::_exit(5);
  auto watch = std::make_unique<Watch>(ChildRef{own}, nullptr);
  AwaitZombie(own);
  EXPECT_EQ(ReapStrangers(), 0u);
  EXPECT_TRUE(IsChild(own));
  ReapChild({own});
  watch.reset();
  const pid_t orphan = MakeOrphan();
  EXPECT_EQ(ReapStrangers(), 1u);
  EXPECT_FALSE(IsChild(orphan));
}

}  // namespace
}  // namespace proctor
