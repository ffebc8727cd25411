#include "client/cli/flags/log_time.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace proctor::cli {
namespace {

TEST(LogTimeTest, ReadsTimesAsUsersWriteThem) {
  setenv("TZ", "XYZ-2", 1);
  tzset();
  const absl::Time now = absl::FromUnixSeconds(1767375000);   // 2026-01-02 19:30 there
  const absl::Time time = absl::FromUnixSeconds(1767366240);  // 17:04 there, 15:04 in UTC
  const auto parse = [&](const std::string& text) {
    const auto parsed = ParseLogTime(text, now);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    return parsed.value_or(absl::InfinitePast());
  };
  EXPECT_EQ(parse("10m"), now - absl::Minutes(10));
  EXPECT_EQ(parse("0"), now);
  EXPECT_EQ(parse("1h30m"), now - absl::Minutes(90));
  for (const char* text : {"2026-01-02T15:04:00Z", "2026-01-02T16:04:00+01:00",
                           "2026-01-02T17:04:00", "2026-01-02T17:04", "2026-01-02 17:04:00",
                           "2026-01-02 17:04", "17:04", "17:04:00", "@1767366240", "1767366240"}) {
    EXPECT_EQ(parse(text), time) << text;
  }
  EXPECT_EQ(parse("2026-01-02T15:04:00.25Z"), time + absl::Milliseconds(250));
  EXPECT_EQ(parse("1767366240.25"), time + absl::Milliseconds(250));
  EXPECT_EQ(parse("2026-01-02"), absl::FromUnixSeconds(1767304800));
  unsetenv("TZ");
  tzset();
}

TEST(LogTimeTest, RefusesWhatIsNoTime) {
  for (const char* text : {"", "yesterday", "-10m", "@", "@x", "25:00", "2026-13-01", "inf",
                           "infinite-past", "99999999h", "@99999999999999999999"}) {
    EXPECT_FALSE(ParseLogTime(text, absl::FromUnixSeconds(0)).ok()) << text;
  }
}

TEST(LogTimeTest, BecomesATimestamp) {
  const auto proto = ToProto(absl::FromUnixSeconds(7) + absl::Nanoseconds(5));
  EXPECT_EQ(proto.seconds(), 7);
  EXPECT_EQ(proto.nanos(), 5);
}

}  // namespace
}  // namespace proctor::cli
