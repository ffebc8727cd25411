#include "client/cli/text/escape.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

TEST(EscapeTest, TruncatesByColumns) {
  EXPECT_EQ(Truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(Truncate("abcdef", 4), "abc…");
  EXPECT_EQ(Truncate("éééé", 3), "éé…");
  EXPECT_EQ(Truncate("abc", 0), "");
  EXPECT_EQ(Truncate("漢字漢字", 8), "漢字漢字");
  EXPECT_EQ(Truncate("漢字漢字", 7), "漢字漢…");
  EXPECT_EQ(Truncate("漢字漢字", 6), "漢字…") << "no half a character";
  EXPECT_EQ(Truncate("e\u0301e\u0301e\u0301", 3), "e\u0301e\u0301e\u0301");
  EXPECT_EQ(Truncate("e\u0301e\u0301e\u0301", 2), "e\u0301…");
}

TEST(EscapeTest, QuotesCommandsWhereAShellWould) {
  google::protobuf::RepeatedPtrField<std::string> argv;
  for (const char* argument : {"echo", "a b", "", "it's", "x"}) argv.Add(argument);
  EXPECT_EQ(CommandText(argv), "echo 'a b' '' 'it'\\''s' x");
}

TEST(EscapeTest, ShowsWhatWouldTurnACommandRound) {
  google::protobuf::RepeatedPtrField<std::string> argv;
  for (const char* argument : {"cat", "\u202Etxt.exe", "a\u200Bb"}) argv.Add(argument);
  EXPECT_EQ(CommandText(argv), "cat \\xe2\\x80\\xaetxt.exe a\\xe2\\x80\\x8bb");
}

}  // namespace
}  // namespace proctor::cli
