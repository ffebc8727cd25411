#include "client/cli/terminal/screen_modes.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

std::string UndoAfter(std::string_view output) {
  ScreenModes modes;
  modes.Feed(output);
  return modes.Undo();
}

TEST(ScreenModesTest, NothingIsUndoneWhereNothingWasDone) {
  EXPECT_EQ(UndoAfter(""), "");
  EXPECT_EQ(UndoAfter("text\r\n\x1b[2J\x1b[10;20H\x1b(B\x1b[K"), "");
}

TEST(ScreenModesTest, UndoesWhatIsLeft) {
  EXPECT_EQ(UndoAfter("\x1b[?1049h"), "\x1b[?1049l");
  EXPECT_EQ(UndoAfter("\x1b[?25l"), "\x1b[?25h");
  EXPECT_EQ(UndoAfter("\x1b[?1h\x1b="), "\x1b>\x1b[?1l");
  EXPECT_EQ(UndoAfter("\x1b[?1000;1002;1006h"), "\x1b[?1000l\x1b[?1002l\x1b[?1006l");
  EXPECT_EQ(UndoAfter("\x1b[?2004h\x1b[?1004h"), "\x1b[?1004l\x1b[?2004l");
  EXPECT_EQ(UndoAfter("\x1b[1;31mred"), "\x1b[m");
  EXPECT_EQ(UndoAfter("\x1b[4 q"), "\x1b[0 q");
  EXPECT_EQ(UndoAfter("\x1b[>4;2m"), "\x1b[>4;0m");
  EXPECT_EQ(UndoAfter("\x1b[>1u\x1b[>3u"), "\x1b[<2u");
}

TEST(ScreenModesTest, WhatTheProgramUndidIsLeftAlone) {
  EXPECT_EQ(UndoAfter("\x1b[?1049h\x1b[?1049l"), "");
  // There is one alternate screen, whatever its name.
  EXPECT_EQ(UndoAfter("\x1b[?1049h\x1b[?47h\x1b[?1047l"), "");
  EXPECT_EQ(UndoAfter("\x1b[?25l\x1b[?25h\x1b=\x1b>"), "");
  EXPECT_EQ(UndoAfter("\x1b[31m\x1b[0m\x1b[1m\x1b[m"), "");
  EXPECT_EQ(UndoAfter("\x1b[>4;2m\x1b[>4;m\x1b[>1u\x1b[<u\x1b[<9u"), "");
  EXPECT_EQ(UndoAfter("\x1b[2 q\x1b[0 q"), "");
  EXPECT_EQ(UndoAfter("\x1b[?1049h\x1b[?25l\x1b"
                      "c"),
            "");
  EXPECT_EQ(UndoAfter("\x1b[?1h\x1b[?25l\x1b=\x1b[!p"), "");
}

TEST(ScreenModesTest, SequencesMayBeCutAnywhere) {
  const std::string output = "x\x1b[?1049h\x1b]0;title\x1b\\\x1b[?1000;1006h\x1b=\x1b[?25l\x1b[1m";
  const std::string undo = UndoAfter(output);
  EXPECT_EQ(undo, "\x1b>\x1b[?1000l\x1b[?1006l\x1b[?25h\x1b[?1049l\x1b[m");
  for (size_t cut = 0; cut <= output.size(); ++cut) {
    ScreenModes modes;
    modes.Feed(std::string_view(output).substr(0, cut));
    modes.Feed(std::string_view(output).substr(cut));
    EXPECT_EQ(modes.Undo(), undo) << cut;
  }
}

TEST(ScreenModesTest, TextInsideOfStringsIsNoSequence) {
  EXPECT_EQ(UndoAfter("\x1b]0;[?1049h\x07"), "");
  EXPECT_EQ(UndoAfter("\x1bP[?1049h\x1b\\"), "");
  // A sequence that begins in the midst of a string ends it.
  EXPECT_EQ(UndoAfter("\x1b]0;title\x1b[?1049h"), "\x1b[?1049l");
  EXPECT_EQ(UndoAfter("\x1b]0;title\x18\x1b[?25l"), "\x1b[?25h");
}

TEST(ScreenModesTest, MalformedSequencesPassBy) {
  EXPECT_EQ(UndoAfter("\x1b[?h\x1b[?;h\x1b[?99999999999h\x1b[h\x1b[<u\x1b[>u\x1b[<99999999999u"),
            "");
  EXPECT_EQ(UndoAfter("\x1b[?" + std::string(100'000, '1') + "h"), "");
  EXPECT_EQ(UndoAfter("\x1b[?10\x18"
                      "49h"),
            "");
  EXPECT_EQ(UndoAfter("\x1b[?10\n49h"), "\x1b[?1049l");
}

TEST(ScreenModesTest, RedoesWhatUndoUndid) {
  ScreenModes modes;
  const std::string output = "\x1b[?1049h\x1b[?25l\x1b[?1h\x1b=\x1b[>4;2m\x1b[>5u";
  modes.Feed(output);
  ScreenModes again;
  again.Feed(output);
  again.Feed(modes.Undo());
  EXPECT_EQ(again.Undo(), "");
  EXPECT_FALSE(again.alternate_screen());
  again.Feed(modes.Redo());
  EXPECT_EQ(again.Undo(), modes.Undo());
  EXPECT_TRUE(again.alternate_screen());
}

}  // namespace
}  // namespace proctor::cli
