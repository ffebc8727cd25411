#include "client/cli/flags/flag_set.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

class FlagSetTest : public ::testing::Test {
 protected:
  absl::Status Parse(FlagSet::Order order, const std::vector<std::string>& arguments) {
    FlagSet flags(order);
    flags.Switch('a', "all", "help", &all_);
    flags.Text('n', "name", "NAME", "help", &name_);
    flags.Switch(0, "longonly", "help", &long_only_);
    return flags.Parse(arguments, &rest_);
  }

  bool all_ = false;
  bool long_only_ = false;
  std::string name_;
  std::vector<std::string> rest_;
};

using Strings = std::vector<std::string>;

TEST_F(FlagSetTest, FlagsFirstLeavesTheRestAlone) {
  ASSERT_TRUE(Parse(FlagSet::Order::kFlagsFirst, {"-a", "cmd", "-n", "--all", "--"}).ok());
  EXPECT_TRUE(all_);
  EXPECT_EQ(rest_, (Strings{"cmd", "-n", "--all", "--"}));
}

TEST_F(FlagSetTest, AnywhereTakesFlagsBehindArguments) {
  ASSERT_TRUE(Parse(FlagSet::Order::kAnywhere, {"id", "-an", "x", "id2"}).ok());
  EXPECT_TRUE(all_);
  EXPECT_EQ(name_, "x");
  EXPECT_EQ(rest_, (Strings{"id", "id2"}));
}

TEST_F(FlagSetTest, DoubleDashEndsFlags) {
  ASSERT_TRUE(Parse(FlagSet::Order::kAnywhere, {"--", "-a"}).ok());
  EXPECT_FALSE(all_);
  EXPECT_EQ(rest_, Strings{"-a"});
}

TEST_F(FlagSetTest, NamesWhatIsWrong) {
  const std::pair<Strings, std::string> cases[] = {
      {{"--al1"}, "unknown flag '--al1'; did you mean '--all'?"},
      {{"-aZ"}, "unknown flag '-Z'"},
      {{"-n"}, "flag '-n' needs a value: NAME"},
      {{"--name"}, "flag '--name' needs a value: NAME"},
      {{"--name="}, "--name: the value is empty"},
      {{"--longonly=1"}, "flag '--longonly' takes no value"}};
  for (const auto& [arguments, message] : cases) {
    EXPECT_EQ(Parse(FlagSet::Order::kAnywhere, arguments).message(), message);
  }
}

TEST_F(FlagSetTest, ClosestWordIsCloseEnough) {
  EXPECT_EQ(ClosestWord("atach", {"attach", "events"}), "attach");
  EXPECT_EQ(ClosestWord("ps1", {"ps", "logs"}), "ps");
  EXPECT_EQ(ClosestWord("zzzz", {"ps", "logs"}), "");
}

}  // namespace
}  // namespace proctor::cli
