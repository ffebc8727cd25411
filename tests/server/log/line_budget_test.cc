#include "server/log/line_budget.h"

#include <gtest/gtest.h>

namespace proctor::server {
namespace {

class LineBudgetTest : public testing::Test {
 protected:
  void Spend() {
    for (int i = 0; i < LineBudget::kBurst; ++i) EXPECT_EQ(budget_.Take(now_), 0u) << i;
  }

  absl::Time now_ = absl::FromUnixSeconds(1700000000);
  LineBudget budget_;
};

TEST_F(LineBudgetTest, CountsWhatItDoesNotLetThrough) {
  Spend();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(budget_.Take(now_), std::nullopt);
  now_ += LineBudget::kPause;
  EXPECT_EQ(budget_.Take(now_), 5u);
  EXPECT_EQ(budget_.Take(now_), std::nullopt);
}

TEST_F(LineBudgetTest, SavesNoMoreThanABurst) {
  Spend();
  now_ += 100 * LineBudget::kBurst * LineBudget::kPause;
  Spend();
  EXPECT_EQ(budget_.Take(now_), std::nullopt);
}

TEST_F(LineBudgetTest, GoesOnWhenTheClockWasSetBack) {
  Spend();
  now_ -= absl::Hours(24);
  EXPECT_EQ(budget_.Take(now_), std::nullopt);
  now_ += LineBudget::kPause;
  EXPECT_EQ(budget_.Take(now_), 1u);
}

}  // namespace
}  // namespace proctor::server
