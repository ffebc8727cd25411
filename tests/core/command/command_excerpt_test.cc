#include "core/command/command_excerpt.h"

#include <gtest/gtest.h>

#include "proctor/command.h"

namespace proctor {
namespace {

using Strings = std::vector<std::string>;

TEST(CommandExcerpt, OfWhatIsShortIsTheWhole) {
  OmittedParts omitted;
  const Strings argv = {"echo", "", "zwei W\xc3\xb6rter"};
  EXPECT_EQ(ExcerptArguments(argv, &omitted), argv);
  EXPECT_EQ(ExcerptVariables({{"A", "secret"}, {"B", ""}}, &omitted), (Strings{"A", "B"}));
  EXPECT_FALSE(omitted.any());
}

TEST(CommandExcerpt, CutsTheArgumentThatHasNoRoomAndLeavesOutThoseAfterIt) {
  OmittedParts omitted;
  const Strings argv = {"echo", std::string(100000, 'x'), "after", ""};
  const Strings excerpt = ExcerptArguments(argv, &omitted);
  ASSERT_EQ(excerpt.size(), 2u);
  EXPECT_EQ(excerpt[0], "echo");
  EXPECT_LE(excerpt[1].size(), kExcerptBytes);
  EXPECT_GT(excerpt[1].size(), kExcerptBytes / 2);
  EXPECT_EQ(omitted.arguments, 2u);
  EXPECT_EQ(omitted.bytes, 100000 - excerpt[1].size() + 5);
}

TEST(CommandExcerpt, NeverCutsWithinACharacter) {
  for (size_t shift = 0; shift < 3; ++shift) {
    OmittedParts omitted;
    std::string text(shift, 'x');
    while (text.size() < 2 * kExcerptBytes) text += "\xe2\x82\xac";  // a euro sign
    const Strings excerpt = ExcerptArguments({text}, &omitted);
    ASSERT_EQ(excerpt.size(), 1u);
    EXPECT_EQ((excerpt[0].size() - shift) % 3, 0u) << shift;
    EXPECT_EQ(excerpt[0].size() + omitted.bytes, text.size());
  }
}

TEST(CommandExcerpt, OfManyEmptyArgumentsIsSmall) {
  OmittedParts omitted;
  const Strings argv(100000, "");
  const size_t shown = ExcerptArguments(argv, &omitted).size();
  EXPECT_LT(shown, 1000u);
  EXPECT_EQ(shown + omitted.arguments, argv.size());
  EXPECT_TRUE(omitted.any());
}

TEST(CommandExcerpt, OfManyVariablesHasTheFirstByName) {
  std::map<std::string, std::string> env;
  for (int i = 10000; i < 20000; ++i) env["V" + std::to_string(i)] = "a value";
  OmittedParts omitted;
  const Strings names = ExcerptVariables(env, &omitted);
  ASSERT_GT(names.size(), 1u);
  EXPECT_EQ(names[1], "V10001");
  EXPECT_EQ(names.size() + omitted.variables, env.size());
}

TEST(CommandExcerpt, TheMemoryOfACommandIsThatOfItsStrings) {
  Command command;
  const uint64_t empty = MemoryOf(command);
  command.argv.assign(1000, "");
  EXPECT_GE(MemoryOf(command), empty + 1000 * sizeof(std::string));
  command.env["NAME"] = std::string(100000, 'v');
  command.labels["key"] = "value";
  command.user.supplementary_groups = {"group"};
  EXPECT_GE(MemoryOf(command), empty + 100000 + 1000 * sizeof(std::string));
}

}  // namespace
}  // namespace proctor
