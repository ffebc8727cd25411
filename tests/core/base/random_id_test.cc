#include "core/base/random_id.h"

#include <gtest/gtest.h>

#include <set>

namespace proctor {
namespace {

TEST(RandomId, IsLongPlainAndNeverTheSame) {
  std::set<std::string> ids;
  for (int i = 0; i < 10000; ++i) {
    const std::string id = NewRandomId();
    EXPECT_EQ(id.size(), 26u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz"), std::string::npos) << id;
    EXPECT_TRUE('0' <= id[0] && id[0] <= '7') << id << " may be taken for a name";
    EXPECT_TRUE(ids.insert(id).second);
  }
}

}  // namespace
}  // namespace proctor
