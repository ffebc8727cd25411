#include "core/base/printable_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace proctor {
namespace {

std::string Utf8(char32_t code) {
  if (code < 0x80) return {static_cast<char>(code)};
  std::string text;
  int shift = code < 0x800 ? 6 : code < 0x10000 ? 12 : 18;
  text.push_back(static_cast<char>((shift == 6    ? 0xC0
                                    : shift == 12 ? 0xE0
                                                  : 0xF0) |
                                   code >> shift));
  while (shift > 0) text.push_back(static_cast<char>(0x80 | (code >> (shift -= 6) & 0x3F)));
  return text;
}

TEST(PrintableTextTest, FindsTheFirstBadByte) {
  EXPECT_FALSE(FindInvalidUtf8("é漢😀").has_value());
  EXPECT_EQ(FindInvalidUtf8("ab\xff"), 2u);
  EXPECT_EQ(FindInvalidUtf8("\xc0\x80"), 0u);          // overlong
  EXPECT_EQ(FindInvalidUtf8("a\xed\xa0\x80"), 1u);     // a surrogate
  EXPECT_EQ(FindInvalidUtf8("\xf4\x90\x80\x80"), 0u);  // beyond Unicode
  EXPECT_EQ(FindInvalidUtf8("\xe6\xbc"), 0u);          // cut off
}

TEST(PrintableTextTest, CutsBetweenCharacters) {
  EXPECT_EQ(WholeCharacters("ab漢c", 2), 2u);
  EXPECT_EQ(WholeCharacters("ab漢c", 3), 2u);
  EXPECT_EQ(WholeCharacters("ab漢c", 4), 2u);
  EXPECT_EQ(WholeCharacters("ab漢c", 5), 5u);
  EXPECT_EQ(WholeCharacters("漢", 1), 0u);
}

TEST(PrintableTextTest, LeavesTextAlone) {
  const std::string text = "a \\ \" é 漢 😀 עברית العربية ￼";
  EXPECT_EQ(Printable(text), text);
  EXPECT_EQ(PrintableJson(text), text);
}

TEST(PrintableTextTest, EscapesControlsOfBothKinds) {
  EXPECT_EQ(Printable("a\n\t\x1b[0m\x7f\r"), "a\\n\\t\\x1b[0m\\x7f\\x0d");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTextTest, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(Printable("a\xff"), "a\\xff");
  EXPECT_EQ(Printable("\xc0\x80"), "\\xc0\\x80");                    // overlong
  EXPECT_EQ(Printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");           // overlong
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  EXPECT_EQ(Printable("\xe6\xbc"), "\\xe6\\xbc");                    // cut off
  EXPECT_EQ(PrintableJson("\"\xff\""), "\"\\ufffd\"");
}

TEST(PrintableTextTest, EscapesWhatTurnsTextRound) {
  EXPECT_EQ(Printable("cat \u202Etxt.exe"), "cat \\xe2\\x80\\xaetxt.exe");
  for (const char32_t code : {0x61C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066,
                              0x2067, 0x2068, 0x2069}) {
    EXPECT_FALSE(IsPrintable(code)) << std::hex << uint32_t{code};
  }
}

TEST(PrintableTextTest, EscapesWhatIsNotSeen) {
  for (const char32_t code :
       {0xAD,   0x34F,  0x115F, 0x180E, 0x200B, 0x200C, 0x200D, 0x2028,  0x2029,  0x2060, 0x2064,
        0x206F, 0x3164, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFB, 0xE0001, 0xE007F, 0xE0100}) {
    EXPECT_FALSE(IsPrintable(code)) << std::hex << uint32_t{code};
    EXPECT_EQ(Printable(Utf8(code)).front(), '\\') << std::hex << uint32_t{code};
  }
}

TEST(PrintableTextTest, EndsItsRangesWhereTheyEnd) {
  for (const char32_t code :
       {0x20,   0x7E,   0xA0,   0xAC,   0xAE,   0x61B,  0x61D,  0x200A,  0x2010,  0x2027,
        0x202F, 0x205F, 0x2070, 0xFDFF, 0xFE10, 0xFFFC, 0xFFFD, 0xDFFFF, 0xE1000, 0x10FFFF}) {
    EXPECT_TRUE(IsPrintable(code)) << std::hex << uint32_t{code};
  }
}

TEST(PrintableTextTest, KnowsEachCharacterAgain) {
  for (const char32_t code : {0x0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF}) {
    const Character found = FirstCharacter(Utf8(code) + "x");
    EXPECT_EQ(found.code, code);
    EXPECT_EQ(found.length, Utf8(code).size());
  }
}

TEST(PrintableTextTest, KeepsJsonTheSameJson) {
  EXPECT_EQ(PrintableJson("{\n  \"a\": \"\u202Eb\"\n}\n"), "{\n  \"a\": \"\\u202eb\"\n}\n");
  EXPECT_EQ(PrintableJson("\"\U000E0001\x7f\""), "\"\\udb40\\udc01\\u007f\"");
}

}  // namespace
}  // namespace proctor
