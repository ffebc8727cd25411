#include "server/http/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proctor/error.h"

namespace proctor::server::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Query Make(std::vector<std::pair<std::string, std::string>> pairs) {
  std::vector<Query::Parameter> parameters;
  for (auto& [name, value] : pairs) parameters.push_back({name, value});
  return Query(std::move(parameters));
}

std::string BadField(const Query& query) {
  const absl::Status status = query.Finish();
  EXPECT_EQ(ErrorReason(status), "INVALID_FIELD") << status;
  return ErrorVariables(status)["field"];
}

TEST(Query, GivesWhatIsThere) {
  Query query = Make({{"a", "x"},
                      {"n", "18446744073709551615"},
                      {"f", "false"},
                      {"t", "1"},
                      {"t", "2"},
                      {"label.k", "v"},
                      {"label.", ""}});
  EXPECT_EQ(query.Text("a"), "x");
  EXPECT_EQ(query.Number("n"), UINT64_MAX);
  EXPECT_FALSE(query.Flag("f", true));
  EXPECT_THAT(query.Texts("t"), ElementsAre("1", "2"));
  EXPECT_THAT(query.Labels(), ElementsAre(Pair("", ""), Pair("k", "v")));
  EXPECT_TRUE(query.Finish().ok());
}

TEST(Query, HasDefaultsForWhatIsNot) {
  Query query;
  EXPECT_EQ(query.Text("a"), "");
  EXPECT_EQ(query.Number("n"), 0u);
  EXPECT_TRUE(query.Flag("f", true));
  EXPECT_TRUE(query.Finish().ok());
}

TEST(Query, NamesAParameterThatNobodyTook) {
  Query query = Make({{"a", ""}, {"b", ""}});
  query.Text("a");
  EXPECT_EQ(BadField(query), "b");
}

TEST(Query, NamesTheFirstThatWasWrong) {
  for (const char* number : {"", "x", "-1", "+1", " 1", "1.5", "18446744073709551616"}) {
    Query query = Make({{"n", number}, {"f", "yes"}});
    query.Number("n");
    query.Flag("f", false);
    EXPECT_EQ(BadField(query), "n") << number;
  }
  Query flag = Make({{"f", "yes"}});
  flag.Flag("f", false);
  EXPECT_EQ(BadField(flag), "f");
  Query most = Make({{"n", "11"}});
  most.Number("n", 10);
  EXPECT_EQ(BadField(most), "n");
}

TEST(Query, RefusesASecondValueOfWhatHasOne) {
  Query text = Make({{"a", "1"}, {"a", "1"}});
  text.Text("a");
  EXPECT_EQ(BadField(text), "a");
  Query label = Make({{"label.k", "1"}, {"label.k", "2"}});
  label.Labels();
  EXPECT_EQ(BadField(label), "label.k");
}

}  // namespace
}  // namespace proctor::server::http
