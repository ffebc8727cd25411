#include "core/base/selection.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace proctor {
namespace {

using Labels = std::map<std::string, std::string>;

TEST(SelectionTest, WantsEachLabelWithItsValue) {
  const Labels labels = {{"app", "web"}, {"tier", "1"}};
  EXPECT_TRUE(HasLabels(labels, Labels{{"app", "web"}}));
  EXPECT_TRUE(HasLabels(labels, labels));
  EXPECT_FALSE(HasLabels(labels, Labels{{"app", "db"}}));
  EXPECT_FALSE(HasLabels(labels, Labels{{"app", "web"}, {"zone", "a"}})) << "it has only one";
  EXPECT_FALSE(HasLabels(labels, Labels{{"zone", ""}})) << "an empty value is a value";
}

TEST(SelectionTest, NothingWantedIsEverything) {
  EXPECT_TRUE(HasLabels(Labels{}, Labels{}));
  EXPECT_TRUE(HasLabels(Labels{{"app", "web"}}, Labels{}));
  EXPECT_TRUE(IsSelected(std::vector<int>{}, 3));
}

TEST(SelectionTest, AListSelectsWhatIsInIt) {
  EXPECT_TRUE(IsSelected(std::vector<int>{1, 3}, 3));
  EXPECT_FALSE(IsSelected(std::vector<int>{1, 3}, 2));
}

}  // namespace
}  // namespace proctor
