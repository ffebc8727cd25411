#include "client/cli/flags/limit_flags.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

std::string Text(const std::string& text) {
  const absl::StatusOr<v1::ResourceLimit> limit = ParseResourceLimit(text);
  return limit.ok() ? limit->ShortDebugString() : std::string(limit.status().message());
}

TEST(LimitFlagsTest, HardLimitIsTheSoftOneUnlessSaid) {
  EXPECT_EQ(Text("nofile=1024"), "resource: \"nofile\" soft: 1024 hard: 1024");
  EXPECT_EQ(Text("NOFILE=1K:4K"), "resource: \"nofile\" soft: 1024 hard: 4096");
}

TEST(LimitFlagsTest, UnlimitedIsLeftUnset) {
  EXPECT_EQ(Text("core=unlimited"), "resource: \"core\"");
  EXPECT_EQ(Text("core=0:unlimited"), "resource: \"core\" soft: 0");
  EXPECT_EQ(Text("core=-1:-1"), "resource: \"core\"");
}

TEST(LimitFlagsTest, RefusesWhatIsNoLimit) {
  EXPECT_EQ(Text("nofile"), "'nofile' is not of the form NAME=SOFT[:HARD]");
  EXPECT_EQ(Text("=1"), "'=1' is not of the form NAME=SOFT[:HARD]");
  EXPECT_EQ(Text("cpu=2:1"), "'cpu=2:1' has a soft limit above the hard one");
  EXPECT_EQ(Text("cpu=unlimited:1"), "'cpu=unlimited:1' has a soft limit above the hard one");
  for (const char* bad : {"cpu=", "cpu=1:", "cpu=:1", "cpu=x", "cpu=1:2:3", "cpu=-2"}) {
    EXPECT_NE(Text(bad).find("for a limit: neither a number"), std::string::npos) << bad;
  }
}

TEST(LimitFlagsTest, LastWordOnAResourceCounts) {
  v1::ProcessSpec spec;
  FlagSet flags(FlagSet::Order::kAnywhere);
  AddLimitFlags(&spec, &flags);
  std::vector<std::string> rest;
  ASSERT_FALSE(flags.Parse({"--rlimit", "cpu=1", "--rlimit", "core=0", "--rlimit=cpu=2"}, &rest)
                   .has_value());
  ASSERT_EQ(spec.rlimits_size(), 2);
  EXPECT_EQ(spec.rlimits(0).soft(), 2u);
}

TEST(LimitFlagsTest, GroupCanStandAlone) {
  v1::ProcessSpec spec;
  FlagSet flags(FlagSet::Order::kAnywhere);
  AddIdentityFlags(&spec, &flags);
  std::vector<std::string> rest;
  ASSERT_FALSE(flags.Parse({"--user", ":staff"}, &rest).has_value());
  EXPECT_EQ(spec.user().user(), "");
  EXPECT_EQ(spec.user().group(), "staff");
}

}  // namespace
}  // namespace proctor::cli
