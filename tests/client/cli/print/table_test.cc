#include "client/cli/print/table.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

TEST(TableTest, AlignsColumns) {
  Table table;
  table.Add({"ID", "COMMAND"});
  table.Add({"éé1", "x"});
  EXPECT_EQ(table.Render(0), "ID   COMMAND\néé1  x\n");
}

TEST(TableTest, ShowsWhatATerminalWouldObey) {
  Table table;
  table.Add({"ID", "C"});
  table.Add({"a\nb", "\u202Ex\x1b[0m"});
  EXPECT_EQ(table.Render(0), "ID    C\na\\nb  \\xe2\\x80\\xaex\\x1b[0m\n");
}

TEST(TableTest, CountsTheColumnsOfCharacters) {
  Table table;
  table.Add({"ID", "C"});
  table.Add({"漢字", "x"});
  table.Add({"e\u0301", "😀😀"});
  EXPECT_EQ(table.Render(0), "ID    C\n漢字  x\ne\u0301     😀😀\n");
  EXPECT_EQ(table.Render(9), "ID    C\n漢字  x\ne\u0301     😀…\n");
}

TEST(TableTest, CutsEveryRowAtTheEdge) {
  Table table;
  table.Add({"ID", "NAME", "COMMAND"});
  table.Add({"abcdef", "gh", "x"});
  EXPECT_EQ(table.Render(5), "ID\nabcd…\n");
  EXPECT_EQ(table.Render(8), "ID\nabcdef\n");
  EXPECT_EQ(table.Render(11), "ID      NA…\nabcdef  gh\n");
  EXPECT_EQ(table.Render(16), "ID      NAME  C…\nabcdef  gh    x\n");
}

TEST(TableTest, ShortensTheLastColumn) {
  Table table;
  table.Add({"ID", "C"});
  table.Add({"abc", "0123456789"});
  EXPECT_EQ(table.Render(9), "ID   C\nabc  012…\n");
}

TEST(TableTest, ColoursWhatIsAlignedByItsText) {
  Table table;
  table.Add({"A", "B", "C"});
  table.Add({{"ok", Colour::kGreen}, "b", {"0123456789", Colour::kRed}});
  EXPECT_EQ(table.Render(12, /*coloured=*/true),
            "A   B  C\n\x1b[32mok\x1b[0m  b  \x1b[31m0123…\x1b[0m\n");
  EXPECT_EQ(table.Render(12), "A   B  C\nok  b  0123…\n");
}

TEST(TableTest, GoesOnBelowAnother) {
  std::vector<size_t> widths;
  Table first(&widths);
  first.Add({"LONG", "C"});
  EXPECT_EQ(first.Render(0), "LONG  C\n");
  Table second(&widths);
  second.Add({"a", "c"});
  EXPECT_EQ(second.Render(0), "a     c\n");
}

TEST(TableTest, BriefDurations) {
  EXPECT_EQ(BriefDuration(absl::Milliseconds(45)), "45ms");
  EXPECT_EQ(BriefDuration(absl::Milliseconds(3250)), "3.2s");
  EXPECT_EQ(BriefDuration(absl::Seconds(303)), "5m3s");
  EXPECT_EQ(BriefDuration(absl::Minutes(130)), "2h10m");
  EXPECT_EQ(BriefDuration(absl::Hours(76)), "3d4h");
  EXPECT_EQ(BriefDuration(-absl::Seconds(1)), "0ms");
}

}  // namespace
}  // namespace proctor::cli
