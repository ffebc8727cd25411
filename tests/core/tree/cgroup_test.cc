#include "core/tree/cgroup.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/core/storage/temporary_directory.h"

namespace proctor {
namespace {

// The files of a control group, in a plain directory.
class CgroupTest : public testing::Test {
 protected:
  void Put(const std::string& file, const std::string& text) {
    std::ofstream(directory_.path() + "/" + file) << text;
  }

  TemporaryDirectory directory_;
  const Cgroup group_{directory_.path()};
};

TEST_F(CgroupTest, ReadsTheNumberThatIsAllOfAFile) {
  Put("memory.peak", "18446744073709551615\n");
  EXPECT_EQ(group_.ReadNumber("memory.peak"), 18446744073709551615u);
  Put("memory.max", "max\n");
  EXPECT_EQ(group_.ReadNumber("memory.max"), 0u);
  Put("empty", "");
  EXPECT_EQ(group_.ReadNumber("empty"), 0u);
  EXPECT_EQ(group_.ReadNumber("nothing"), 0u);
}

TEST_F(CgroupTest, ReadsTheNumberBehindAKey) {
  Put("memory.events", "low 1\noom 2\noom_kill 345\noom_group_kill 6\n");
  EXPECT_EQ(group_.ReadNumber("memory.events", "oom_kill"), 345u);
  EXPECT_EQ(group_.ReadNumber("memory.events", "oom_group_kill"), 6u);
  EXPECT_EQ(group_.ReadNumber("memory.events", "high"), 0u);
  EXPECT_EQ(group_.ReadNumber("nothing", "oom_kill"), 0u);
}

}  // namespace
}  // namespace proctor
