#include "client/cli/escape.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

TEST(EscapeTest, LeavesTextAlone) { EXPECT_EQ(EscapeControls("a é 漢 😀"), "a é 漢 😀"); }

TEST(EscapeTest, EscapesControlsOfBothKinds) {
  EXPECT_EQ(EscapeControls("a\n\t\x1b[0m\x7f"), "a\\n\\t\\x1b[0m\\x7f");
  EXPECT_EQ(EscapeControls("\xc2\x9b"), "\\xc2\\x9b");
}

TEST(EscapeTest, EscapesWhatIsNotUtf8) { EXPECT_EQ(EscapeControls("a\xff"), "a\\xff"); }

TEST(EscapeTest, FindsTheFirstBadByte) {
  EXPECT_FALSE(FindInvalidUtf8("é漢😀").has_value());
  EXPECT_EQ(FindInvalidUtf8("ab\xff"), 2u);
  EXPECT_EQ(FindInvalidUtf8("\xc0\x80"), 0u);          // Overlong.
  EXPECT_EQ(FindInvalidUtf8("a\xed\xa0\x80"), 1u);     // A surrogate.
  EXPECT_EQ(FindInvalidUtf8("\xf4\x90\x80\x80"), 0u);  // Beyond Unicode.
  EXPECT_EQ(FindInvalidUtf8("\xe6\xbc"), 0u);          // Cut off.
}

TEST(EscapeTest, TruncatesByCharacters) {
  EXPECT_EQ(Truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(Truncate("abcdef", 4), "abc…");
  EXPECT_EQ(Truncate("éééé", 3), "éé…");
  EXPECT_EQ(Truncate("abc", 0), "");
}

TEST(EscapeTest, QuotesCommandsWhereAShellWould) {
  google::protobuf::RepeatedPtrField<std::string> argv;
  for (const char* argument : {"echo", "a b", "", "it's", "x"}) argv.Add(argument);
  EXPECT_EQ(CommandText(argv), "echo 'a b' '' 'it'\\''s' x");
}

}  // namespace
}  // namespace proctor::cli
