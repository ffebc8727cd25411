#include "proctor/reason.h"

#include <gtest/gtest.h>

#include <string>

#include "proctor/v1/error_reason.pb.h"

namespace proctor {
namespace {

TEST(Reason, HasTheWordsOfTheContract) {
  const auto* words = v1::ErrorReason_descriptor();
  EXPECT_EQ(words->value(words->value_count() - 1)->number(), kReasons - 1);
  for (int i = 1; i < kReasons; ++i) {
    const auto* word = words->FindValueByNumber(i);
    EXPECT_EQ(ReasonName(static_cast<Reason>(i)), word != nullptr ? word->name() : "") << i;
    EXPECT_EQ(word == nullptr, words->IsReservedNumber(i)) << i;
  }
}

TEST(Reason, IsFoundByItsName) {
  for (int i = 0; i < kReasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (ReasonName(reason).empty()) continue;
    EXPECT_EQ(ReasonOfName(ReasonName(reason)), reason) << i;
  }
  EXPECT_EQ(ReasonOfName("OF_A_LATER_VERSION"), Reason::kNone);
  EXPECT_EQ(ReasonOfName("READ_FAILED"), Reason::kNone) << "of an earlier version";
  EXPECT_EQ(ReasonOfName(""), Reason::kNone);
}

}  // namespace
}  // namespace proctor
