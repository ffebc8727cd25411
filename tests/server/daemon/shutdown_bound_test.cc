#include "server/daemon/shutdown_bound.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace proctor::server {
namespace {

TEST(ShutdownBoundTest, LeavesWithOneAndNamesTheStepThatDoesNotEnd) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        spdlog::set_level(spdlog::level::off);  // stdout is the test's
        auto bound = ShutdownBound::Make();
        (*bound)->Enter("the first");
        (*bound)->Begin(absl::Milliseconds(10));
        (*bound)->Enter("the second");
        for (;;) ::pause();
      },
      testing::ExitedWithCode(1), "");
}

TEST(ShutdownBoundTest, DoesNothingToAShutdownInTime) {
  auto begun = ShutdownBound::Make();
  ASSERT_TRUE(begun.ok());
  (*begun)->Begin(absl::Hours(1));
  EXPECT_TRUE(ShutdownBound::Make().ok());  // one that never begins
}

}  // namespace
}  // namespace proctor::server
