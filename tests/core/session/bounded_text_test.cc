#include "core/session/bounded_text.h"

#include <gtest/gtest.h>

namespace proctor {
namespace {

TEST(BoundedTextTest, KeepsLinesWithinTheBoundAndCountsTheOthers) {
  BoundedText text(100);
  int described = 0;
  const auto line = [&described] {
    ++described;
    return std::string("0123456789");
  };
  for (int i = 0; i < 5; ++i) text.Add(line);
  text.Add("-");  // would have room, but would stand where others are missing
  const std::string taken = std::move(text).Take();
  EXPECT_EQ(taken, "0123456789\n0123456789\n(4 more lines have no room)\n");
  EXPECT_LE(taken.size(), 100u);
  EXPECT_EQ(described, 3) << "what has no room is not described";
}

TEST(BoundedTextTest, CutsALongLineWithinNoCharacter) {
  BoundedText text(10000);
  std::string line(4091, 'a');
  line += "\xc3\xa4 and more";  // the first byte of the a-umlaut would still have room
  text.Add(line);
  text.Add("next");
  EXPECT_EQ(std::move(text).Take(), std::string(4091, 'a') + " ...\nnext\n");
}

TEST(BoundedTextTest, HasNoLinesWithoutRoom) {
  BoundedText text(1);
  text.Add("a");
  EXPECT_EQ(std::move(text).Take(), "(1 more lines have no room)\n");
}

}  // namespace
}  // namespace proctor
