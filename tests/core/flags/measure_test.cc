#include "core/flags/measure.h"

#include <gtest/gtest.h>

namespace proctor {
namespace {

TEST(MeasureTest, ReadsDurations) {
  EXPECT_EQ(ReadDuration("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(ReadDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(ReadDuration("inf"), absl::InfiniteDuration());
  EXPECT_EQ(ReadDuration("-1s"), -absl::Seconds(1));
  for (const char* text : {"", "1x", "s", ".", "1.2.3", " 1", "1 ", "1e3", "0x5"}) {
    EXPECT_EQ(ReadDuration(text), std::nullopt) << text;
  }
}

TEST(MeasureTest, ABareNumberIsSeconds) {
  EXPECT_EQ(ReadDuration("5"), absl::Seconds(5));
  EXPECT_EQ(ReadDuration("0.5"), absl::Milliseconds(500));
  EXPECT_EQ(ReadDuration("007"), absl::Seconds(7));
}

TEST(MeasureTest, ReadsSizesInPowersOf1024) {
  EXPECT_EQ(ReadSize("4096"), 4096u);
  EXPECT_EQ(ReadSize("64K"), 65536u);
  EXPECT_EQ(ReadSize("1m"), 1048576u);
  EXPECT_EQ(ReadSize("2G"), 2147483648u);
  EXPECT_EQ(ReadSize("17179869183G"), 17179869183u << 30);
  for (const char* text : {"", "K", "-1", " 1", "1KB", "17179869184G"}) {
    EXPECT_EQ(ReadSize(text), std::nullopt) << text;
  }
}

TEST(MeasureTest, ReadsCountsOfDigitsAlone) {
  EXPECT_EQ(ReadCount("0"), 0u);
  EXPECT_EQ(ReadCount("18446744073709551615"), 18446744073709551615u);
  for (const char* text : {"", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616"}) {
    EXPECT_EQ(ReadCount(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace proctor
