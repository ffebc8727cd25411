#include "client/cli/local_time.h"

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
  EXPECT_EQ(LocalTimeWithMilliseconds(time), "2026-11-27T19:22:39.250");
  unsetenv("TZ");
  tzset();
}

}  // namespace
}  // namespace proctor::cli
