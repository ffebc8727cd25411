#include "proctor/reason.h"

#include <gtest/gtest.h>

#include <string>

#include "proctor/v1/error_reason.pb.h"

namespace proctor {
namespace {

TEST(Reason, HasTheWordsOfTheContract) {
  const auto* words = v1::ErrorReason_descriptor();
  ASSERT_EQ(words->value_count(), kReasons);
  for (int i = 1; i < kReasons; ++i) {
    const std::string name(ReasonName(static_cast<Reason>(i)));
    const auto* word = words->FindValueByName(name);
    ASSERT_NE(word, nullptr) << name;
    EXPECT_EQ(word->number(), i) << name;
  }
}

TEST(Reason, IsFoundByItsName) {
  for (int i = 0; i < kReasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_EQ(ReasonOfName(ReasonName(reason)), reason) << i;
  }
  EXPECT_EQ(ReasonOfName("OF_A_LATER_VERSION"), Reason::kNone);
}

}  // namespace
}  // namespace proctor
