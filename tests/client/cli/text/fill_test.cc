#include "client/cli/text/fill.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

TEST(FillTest, BreaksBetweenWords) {
  EXPECT_EQ(Fill("one two three", 7), "one two\nthree\n");
  EXPECT_EQ(Fill("one\ntwo three", 7), "one two\nthree\n");
  EXPECT_EQ(Fill("", 7), "\n");
}

TEST(FillTest, LeavesALongWordWhole) { EXPECT_EQ(Fill("a longword b", 4), "a\nlongword\nb\n"); }

TEST(FillTest, KeepsParagraphsAndWhatIsSetByHand) {
  EXPECT_EQ(Fill("a\nb\n\nc\n  x  y\nd", 20), "a b\n\nc\n  x  y\nd\n");
}

TEST(FillTest, IndentsAllLinesButTheFirst) {
  EXPECT_EQ(Fill("one two three", 9, 2), "one two\n  three\n");
}

TEST(FillTest, CountsCharacters) { EXPECT_EQ(Fill("éé éé", 5), "éé éé\n"); }

}  // namespace
}  // namespace proctor::cli
