#include "client/cli/text/local_time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace proctor::cli {
namespace {

TEST(LocalTimeTest, IsThatOfTheZone) {
  const absl::Time time = absl::FromUnixMillis(1795800159250);
  // As POSIX writes zones: two hours east of Greenwich.
  setenv("TZ", "XYZ-2", 1);
  tzset();
  EXPECT_EQ(LocalTime(time), "2026-11-27T19:22:39");
  EXPECT_EQ(LocalTimeWithMilliseconds(time), "2026-11-27T19:22:39.250+02:00");
  EXPECT_EQ(LocalTimeWithOffset(time), "2026-11-27T19:22:39+02:00");
  unsetenv("TZ");
  tzset();
}

TEST(LocalTimeTest, IsReadAsItIsPrinted) {
  setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  tzset();
  // In winter and in summer.
  for (const int64_t seconds : {1767366245, 1783000805}) {
    const absl::Time time = absl::FromUnixSeconds(seconds);
    EXPECT_EQ(ParseLocalTime(LocalTime(time), time), time) << LocalTime(time);
    EXPECT_EQ(ParseLocalTime(LocalTime(time) + ".25", time), time + absl::Milliseconds(250));
    EXPECT_EQ(ParseLocalTime(LocalTime(time).substr(11), time), time) << "today";
  }
  for (const char* text : {"2026-02-30", "2026-01-02T25:00", "2026-01-02T15:04:05.", "",
                           " 2026-01-02", "2026-01-02T15:04:05.1x"}) {
    EXPECT_FALSE(ParseLocalTime(text, absl::UnixEpoch()).has_value()) << text;
  }
  unsetenv("TZ");
  tzset();
}

}  // namespace
}  // namespace proctor::cli
