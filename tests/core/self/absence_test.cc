#include "core/self/absence.h"

#include <gtest/gtest.h>

namespace proctor {
namespace {

class AbsenceTest : public testing::Test {
 protected:
  // Ticks as it should, for so long.
  void Run(absl::Duration time) {
    for (const absl::Duration end = now_ + time; now_ < end;) {
      now_ += Absence::kTick;
      absence_.Tick();
    }
  }

  absl::Duration now_ = absl::Seconds(1000);
  Absence absence_{[this] { return now_; }};
};

TEST_F(AbsenceTest, WhoTicksWasNeverAway) {
  EXPECT_EQ(absence_.Within(absl::Hours(1)), absl::ZeroDuration());
  Run(absl::Seconds(10));
  EXPECT_EQ(absence_.Within(absl::Seconds(10)), absl::ZeroDuration());
}

TEST_F(AbsenceTest, ABusyMachineIsNoAbsence) {
  Run(absl::Seconds(1));
  now_ += 2 * Absence::kTick;
  EXPECT_EQ(absence_.Within(absl::Seconds(5)), absl::ZeroDuration());
  absence_.Tick();
  EXPECT_EQ(absence_.Within(absl::Seconds(5)), absl::ZeroDuration());
}

TEST_F(AbsenceTest, CountsTheAbsenceThatEndedJustNowBeforeAndAfterItsTick) {
  Run(absl::Seconds(1));
  now_ += absl::Seconds(7);
  EXPECT_EQ(absence_.Within(absl::Seconds(8)), absl::Seconds(7));
  absence_.Tick();
  EXPECT_EQ(absence_.Within(absl::Seconds(8)), absl::Seconds(7));
}

TEST_F(AbsenceTest, CountsOnlyWhatIsWithinTheSpan) {
  Run(absl::Seconds(1));
  now_ += absl::Seconds(10);
  absence_.Tick();
  Run(absl::Seconds(5));
  now_ += absl::Seconds(3);
  absence_.Tick();
  Run(absl::Seconds(1));
  // From before the first one: 1 + 10 + 5 + 3 + 1 seconds.
  EXPECT_EQ(absence_.Within(absl::Seconds(20)), absl::Seconds(13));
  EXPECT_EQ(absence_.Within(absl::Seconds(15)), absl::Seconds(9));
  EXPECT_EQ(absence_.Within(absl::Seconds(8)), absl::Seconds(3));
  EXPECT_EQ(absence_.Within(absl::Seconds(2)), absl::Seconds(1));
}

}  // namespace
}  // namespace proctor
