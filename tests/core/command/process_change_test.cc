#include "core/command/process_change.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {
namespace {

TEST(ProcessChange, MergesLabelsAndRemovesByAnEmptyValue) {
  Command command;
  command.labels = {{"keep", "1"}, {"change", "1"}, {"drop", "1"}};
  auto changed =
      Changed(command, {.labels = {{"change", "2"}, {"drop", ""}, {"new", "2"}, {"no", ""}}});
  ASSERT_TRUE(changed.ok());
  const std::map<std::string, std::string> expected = {
      {"keep", "1"}, {"change", "2"}, {"new", "2"}};
  EXPECT_EQ(changed->labels, expected);
  changed->labels = command.labels;
  EXPECT_EQ(*changed, command) << "the rest is as it was";
}

TEST(ProcessChange, ChangesTheRetentionByParts) {
  Command command;
  command.retain_bytes = 8192;
  command.overflow = OverflowPolicy::kBlockChild;
  EXPECT_EQ(*Changed(command, {}), command);
  EXPECT_EQ(Changed(command, {.retain_bytes = 4096})->overflow, OverflowPolicy::kBlockChild);
  EXPECT_EQ(Changed(command, {.retain_bytes = 4096})->retain_bytes, 4096u);
  auto lossy = Changed(command, {.overflow = OverflowPolicy::kDropOldest});
  EXPECT_EQ(lossy->overflow, OverflowPolicy::kDropOldest);
  EXPECT_EQ(lossy->retain_bytes, 8192u);
}

TEST(ProcessChange, NamesTheFieldThatIsWrong) {
  const auto field = [](const Command& command, const ProcessChange& change) {
    return ErrorVariables(Changed(command, change).status())["field"];
  };
  EXPECT_EQ(field({}, {.labels = {{"a b", "x"}}}), "labels");
  EXPECT_EQ(field({}, {.retain_bytes = 4095}), "retain_bytes");
  EXPECT_EQ(field({}, {.retain_bytes = (64 << 20) + 1}), "retain_bytes");
  // Each label for itself is right, all together are too many.
  Command command;
  for (int i = 0; i < 64; ++i) command.labels[absl::StrCat(i)] = "x";
  EXPECT_EQ(field(command, {.labels = {{"one-more", "x"}}}), "labels");
  EXPECT_TRUE(Changed(command, {.labels = {{"one-more", "x"}, {"0", ""}}}).ok());
}

}  // namespace
}  // namespace proctor
