#include "server/log/last_words.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "core/base/check.h"

namespace proctor::server {
namespace {

void BreakAnInvariant() {
  SetUpLastWords(nullptr);
  PROCTOR_CHECK(1 > 2, "one is more than two");
}

TEST(LastWordsDeathTest, NameTheSignalAfterABrokenInvariant) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(BreakAnInvariant(), ::testing::KilledBySignal(SIGABRT),
              "broken invariant: 1 > 2 \\(one is more than two\\)\n"
              "proctord ends by a fault signal=SIGABRT\n");
}

}  // namespace
}  // namespace proctor::server
