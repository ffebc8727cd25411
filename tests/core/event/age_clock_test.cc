#include "core/event/age_clock.h"

#include <gtest/gtest.h>

namespace proctor {
namespace {

class AgeClockTest : public testing::Test {
 protected:
  // Lets time pass, on both clocks.
  absl::Time After(absl::Duration time) {
    wall_ += time;
    boot_ += time;
    return clock_.Now(wall_, boot_);
  }

  static constexpr absl::Duration kHold = absl::Hours(24);

  absl::Time wall_ = absl::FromUnixSeconds(1700000000);
  absl::Duration boot_ = absl::Hours(5);
  AgeClock clock_{kHold, wall_, boot_};
};

TEST_F(AgeClockTest, FollowsTheWall) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(After(absl::Hours(10)), wall_);
}

TEST_F(AgeClockTest, LetsAClockRunALittleFast) {
  for (int i = 0; i < 100; ++i) {
    wall_ += absl::Seconds(1);
    EXPECT_EQ(After(absl::Seconds(10)), wall_);
  }
}

TEST_F(AgeClockTest, HoldsBackAfterAJumpUntilAllFromBeforeIsOld) {
  const absl::Time before = wall_;
  wall_ += absl::Hours(1);
  EXPECT_EQ(After(absl::Minutes(1)), before + absl::Minutes(1));
  EXPECT_EQ(After(kHold / 2), before + absl::Minutes(1) + kHold / 2);
  EXPECT_EQ(After(kHold), wall_);
  EXPECT_EQ(After(absl::Minutes(1)), wall_);
}

TEST_F(AgeClockTest, FollowsAClockThatIsSetBackAtOnce) {
  wall_ -= absl::Hours(100);
  EXPECT_EQ(After(absl::Seconds(1)), wall_);
  EXPECT_EQ(After(absl::Seconds(1)), wall_);
}

TEST_F(AgeClockTest, TakesAJumpThereAndBackForNone) {
  wall_ += absl::Hours(1000);
  (void)After(absl::Minutes(1));
  wall_ -= absl::Hours(1000);
  EXPECT_EQ(After(absl::Minutes(1)), wall_);
}

TEST_F(AgeClockTest, HoldsBackAfterALongRest) {
  wall_ += absl::Hours(1000);
  AgeClock clock(kHold, wall_ - absl::Hours(1000), boot_);
  EXPECT_EQ(clock.Now(wall_, boot_), wall_ - absl::Hours(1000));
  EXPECT_EQ(clock.Now(wall_ + kHold, boot_ + kHold), wall_ + kHold);
}

}  // namespace
}  // namespace proctor
