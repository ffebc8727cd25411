#include "client/cli/flags/flag_value.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

TEST(FlagValueTest, ParsesDurations) {
  EXPECT_EQ(*ParseDuration("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
  for (const char* text :
       {"", "-1s", "-1", "inf", "1x", "s", ".", "1.2.3", " 1", "1 ", "1e3", "0x5"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
}

TEST(FlagValueTest, BareNumberIsSeconds) {
  EXPECT_EQ(*ParseDuration("5"), absl::Seconds(5));
  EXPECT_EQ(*ParseDuration("0.5"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseDuration("007"), absl::Seconds(7));
  EXPECT_TRUE(ParseDuration("99999999999999999999").status().message().find("5 (seconds)") !=
              std::string::npos);
}

TEST(FlagValueTest, ParsesSizes) {
  EXPECT_EQ(*ParseSize("4096"), 4096u);
  EXPECT_EQ(*ParseSize("64K"), 65536u);
  EXPECT_EQ(*ParseSize("1m"), 1048576u);
  EXPECT_EQ(*ParseSize("2G"), 2147483648u);
  for (const char* text : {"", "K", "-1", " 1", "1KB", "18446744073709551615K"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(FlagValueTest, ParsesKeysAndValues) {
  EXPECT_EQ(ParseKeyValue("a=b=c")->second, "b=c");
  EXPECT_EQ(ParseKeyValue("a=")->second, "");
  EXPECT_FALSE(ParseKeyValue("a").ok());
  EXPECT_FALSE(ParseKeyValue("=b").ok());
}

TEST(FlagValueTest, ParsesEventTypes) {
  EXPECT_EQ(*ParseEventType("PROCESS_EXITED"), v1::EVENT_TYPE_PROCESS_EXITED);
  EXPECT_EQ(*ParseEventType("process-exited"), v1::EVENT_TYPE_PROCESS_EXITED);
  EXPECT_EQ(*ParseEventType("EVENT_TYPE_PROCESS_OOM"), v1::EVENT_TYPE_PROCESS_OOM);
  EXPECT_FALSE(ParseEventType("UNSPECIFIED").ok());
}

TEST(FlagValueTest, ParsesPositions) {
  EXPECT_EQ(ParsePosition("a:b:7")->log_id(), "a:b");
  EXPECT_EQ(ParsePosition("a:b:7")->sequence(), 7u);
  EXPECT_FALSE(ParsePosition("7").ok());
  EXPECT_FALSE(ParsePosition(":7").ok());
  EXPECT_FALSE(ParsePosition("a:x").ok());
}

TEST(FlagValueTest, DurationsSurviveTheWay) {
  const absl::Duration duration = absl::Seconds(3) + absl::Nanoseconds(7);
  EXPECT_EQ(FromProto(ToProto(duration)), duration);
}

}  // namespace
}  // namespace proctor::cli
