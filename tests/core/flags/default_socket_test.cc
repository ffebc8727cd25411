#include "core/flags/default_socket.h"

#include <gtest/gtest.h>

namespace proctor {
namespace {

TEST(DefaultSocketTest, IsInTheRuntimeDirectoryOfTheUser) {
  EXPECT_EQ(DefaultSocketOf("/run/user/7", 0), "/run/user/7/proctor/proctord.sock");
  EXPECT_EQ(DefaultSocketOf("", 0), "/run/proctor/proctord.sock");
  EXPECT_EQ(DefaultSocketOf("", 7), "/tmp/proctor-7/proctord.sock");
}

TEST(DefaultSocketTest, PassesOverARuntimeDirectoryThatIsNotAbsolute) {
  EXPECT_EQ(DefaultSocketOf("run/user/7", 7), "/tmp/proctor-7/proctord.sock");
}

}  // namespace
}  // namespace proctor
