#include "core/flags/flag_set.h"

#include <gtest/gtest.h>

namespace proctor {
namespace {

using Kind = FlagSet::Mistake::Kind;
using Strings = std::vector<std::string>;

class FlagSetTest : public ::testing::Test {
 protected:
  std::optional<FlagSet::Mistake> Parse(FlagSet::Order order, const Strings& arguments) {
    flags_.emplace(order);
    flags_->Switch('a', "all", "help", &all_);
    flags_->Text('n', "name", "NAME", "help", &name_);
    flags_->Heading("Others:");
    flags_->Switch(0, "longonly", "help", &long_only_);
    return flags_->Parse(arguments, &rest_);
  }

  bool all_ = false;
  bool long_only_ = false;
  std::string name_;
  Strings rest_;
  std::optional<FlagSet> flags_;
};

TEST_F(FlagSetTest, FlagsFirstLeavesTheRestAlone) {
  ASSERT_FALSE(Parse(FlagSet::Order::kFlagsFirst, {"-a", "cmd", "-n", "--all", "--"}).has_value());
  EXPECT_TRUE(all_);
  EXPECT_EQ(rest_, (Strings{"cmd", "-n", "--all", "--"}));
}

TEST_F(FlagSetTest, AnywhereTakesFlagsBehindArguments) {
  ASSERT_FALSE(Parse(FlagSet::Order::kAnywhere, {"id", "-an", "x", "id2"}).has_value());
  EXPECT_TRUE(all_);
  EXPECT_EQ(name_, "x");
  EXPECT_EQ(rest_, (Strings{"id", "id2"}));
}

TEST_F(FlagSetTest, DoubleDashEndsFlags) {
  ASSERT_FALSE(Parse(FlagSet::Order::kAnywhere, {"--", "-a"}).has_value());
  EXPECT_FALSE(all_);
  EXPECT_EQ(rest_, Strings{"-a"});
}

TEST_F(FlagSetTest, TellsWhatIsWrongWithWhichFlag) {
  struct Case {
    Strings arguments;
    Kind kind;
    std::string given;
    std::string name;
  };
  const Case cases[] = {{{"--al1"}, Kind::kUnknown, "--al1", ""},
                        {{"-aZ"}, Kind::kUnknown, "-Z", ""},
                        {{"-n"}, Kind::kNeedsValue, "-n", "name"},
                        {{"--name"}, Kind::kNeedsValue, "--name", "name"},
                        {{"--name="}, Kind::kBadValue, "--name=", "name"},
                        {{"--longonly=1"}, Kind::kTakesNoValue, "--longonly=1", "longonly"}};
  for (const Case& one : cases) {
    const auto mistake = Parse(FlagSet::Order::kAnywhere, one.arguments);
    ASSERT_TRUE(mistake.has_value()) << one.given;
    EXPECT_EQ(mistake->kind, one.kind) << one.given;
    EXPECT_EQ(mistake->given, one.given);
    EXPECT_EQ(mistake->flag == nullptr ? "" : mistake->flag->name, one.name);
  }
}

TEST_F(FlagSetTest, ABadValueComesWithItsReason) {
  const auto mistake = Parse(FlagSet::Order::kAnywhere, {"--name="});
  EXPECT_EQ(mistake->why.message(), "the value is empty");
}

TEST_F(FlagSetTest, LooksAtNothingBehindAMistake) {
  EXPECT_TRUE(Parse(FlagSet::Order::kAnywhere, {"--nothing", "-a"}).has_value());
  EXPECT_FALSE(all_);
}

TEST_F(FlagSetTest, ParsesMoreThanOnce) {
  ASSERT_FALSE(Parse(FlagSet::Order::kAnywhere, {"-a"}).has_value());
  ASSERT_FALSE(flags_->Parse({"x", "--name=y"}, &rest_).has_value());
  EXPECT_EQ(name_, "y");
  EXPECT_EQ(rest_, Strings{"x"});
}

}  // namespace
}  // namespace proctor
