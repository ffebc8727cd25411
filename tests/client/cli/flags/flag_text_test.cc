#include "client/cli/flags/flag_text.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

TEST(FlagTextTest, NamesWhatIsWrong) {
  bool all = false;
  std::string name;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('a', "all", "help", &all);
  flags.Text('n', "name", "NAME", "help", &name);
  flags.Switch(0, "longonly", "help", &all);
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--al1"}, "unknown flag '--al1'; did you mean '--all'?"},
      {{"-aZ"}, "unknown flag '-Z'"},
      {{"-n"}, "flag '-n' needs a value: NAME"},
      {{"--name"}, "flag '--name' needs a value: NAME"},
      {{"--name="}, "--name: the value is empty"},
      {{"--longonly=1"}, "flag '--longonly' takes no value"}};
  for (const auto& [arguments, message] : cases) {
    std::vector<std::string> rest;
    const auto mistake = flags.Parse(arguments, &rest);
    ASSERT_TRUE(mistake.has_value()) << message;
    EXPECT_EQ(MistakeText(flags, *mistake), message);
  }
}

TEST(FlagTextTest, HelpLeavesOutWhatHasNoWords) {
  bool all = false;
  std::string name;
  FlagSet flags(FlagSet::Order::kAnywhere);
  flags.Switch('a', "all", "all of them", &all);
  flags.Heading("More:");
  flags.Text(0, "name", "NAME", "its name", &name);
  flags.Switch(0, "secret", "", &all);
  EXPECT_EQ(FlagsHelp(flags),
            "  -a, --all                  all of them\n"
            "\nMore:\n"
            "      --name NAME            its name\n");
}

TEST(FlagTextTest, ClosestWordIsCloseEnough) {
  EXPECT_EQ(ClosestWord("atach", {"attach", "events"}), "attach");
  EXPECT_EQ(ClosestWord("ps1", {"ps", "logs"}), "ps");
  EXPECT_EQ(ClosestWord("zzzz", {"ps", "logs"}), "");
}

}  // namespace
}  // namespace proctor::cli
