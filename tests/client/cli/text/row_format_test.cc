#include "client/cli/text/row_format.h"

#include <gtest/gtest.h>

namespace proctor::cli {
namespace {

const std::vector<std::string> kFields = {"ID", "State"};

std::string Value(size_t field) { return "<" + kFields[field] + ">"; }

TEST(RowFormatTest, PutsFieldsBetweenText) {
  const auto format = RowFormat::Parse("a {{.ID}}\\t{{ .state }}\\n\\\\b}}", kFields);
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_FALSE(format->is_table());
  EXPECT_EQ(format->Apply(Value), "a <ID>\t<State>\n\\b}}");
}

TEST(RowFormatTest, CutsTablesAtTabs) {
  const auto format = RowFormat::Parse("table {{.ID}}-{{.State}}\\t{{.ID}}", kFields);
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_TRUE(format->is_table());
  EXPECT_EQ(format->Cells(Value), (std::vector<std::string>{"<ID>-<State>", "<ID>"}));
}

TEST(RowFormatTest, NamesTheFieldsThatThereAre) {
  EXPECT_EQ(RowFormat::Parse("{{.Names}}", kFields).status().message(),
            "there is no field 'Names'; there are ID, State");
}

TEST(RowFormatTest, RefusesWhatItDoesNotKnow) {
  for (const char* bad : {"", "table ", "{{.ID", "{{ID}}", "{{.}}", "{{json .}}", "a\\x", "a\\"}) {
    EXPECT_FALSE(RowFormat::Parse(bad, kFields).ok()) << bad;
  }
}

}  // namespace
}  // namespace proctor::cli
