#include "server/listen/appetite.h"

#include <gtest/gtest.h>

namespace proctor::server {
namespace {

using Verdict = Appetite::Verdict;

constexpr uint64_t kMiB = 1 << 20;

// A connection that is looked at twice a second.
class AppetiteTest : public testing::Test {
 protected:
  Verdict Look() {
    now_ += absl::Milliseconds(500);
    return appetite_.Judge(use_, now_);
  }

  Appetite appetite_;
  ConnectionUse use_;
  absl::Duration now_ = absl::ZeroDuration();
};

TEST_F(AppetiteTest, BytesWithoutAMessageAreGreedy) {
  EXPECT_EQ(Look(), Verdict::kLawful);
  use_.bytes_read = 4 * kMiB;
  EXPECT_EQ(Look(), Verdict::kLawful);
  use_.bytes_read += kMiB;
  EXPECT_EQ(Look(), Verdict::kBytes);
}

TEST_F(AppetiteTest, AStreamOfMessagesIsLawfulHoweverLarge) {
  use_.calls_begun = 1;
  for (int i = 0; i < 1000; ++i) {
    use_.bytes_read += 500 * kMiB;
    use_.messages_received += 8000;
    ASSERT_EQ(Look(), Verdict::kLawful);
  }
}

TEST_F(AppetiteTest, TheLargestMessagesOfManyCallsAreLawful) {
  use_.calls_begun = 16;
  for (int i = 0; i < 16; ++i) {
    use_.bytes_read += 8 * kMiB;
    ASSERT_EQ(Look(), Verdict::kLawful);
  }
  use_.calls_begun = 1000;
  use_.calls_ended = 500;
  use_.bytes_read += 16 * kMiB;
  EXPECT_EQ(Look(), Verdict::kLawful);  // for their headers
  use_.bytes_read += 8 * kMiB;
  EXPECT_EQ(Look(), Verdict::kBytes);
}

// 60 bytes for each 16 KiB, which a reader's connection sends at the most.
TEST_F(AppetiteTest, TheAcknowledgementsOfALargeOutputAreLawful) {
  use_.calls_begun = 1;
  use_.messages_received = 1;
  for (int i = 0; i < 10000; ++i) {
    use_.messages_sent += 10000;
    use_.bytes_read += 10000 * 4 * 60;
    ASSERT_EQ(Look(), Verdict::kLawful);
  }
}

TEST_F(AppetiteTest, PingsOfWeeksAreLawful) {
  for (int day = 0; day < 365; ++day) {
    now_ += absl::Hours(24);
    use_.bytes_read += 24 * 360 * 60;
    ASSERT_EQ(Look(), Verdict::kLawful);
  }
}

TEST_F(AppetiteTest, ResetsAreGreedyWhereTheyAreMany) {
  EXPECT_EQ(Look(), Verdict::kLawful);
  for (int i = 0; i < 1000; ++i) {  // a hundred a second
    use_.calls_begun += 50;
    use_.calls_ended += 50;
    use_.calls_reset += 50;
    use_.messages_received += 50;
    ASSERT_EQ(Look(), Verdict::kLawful);
  }
  use_.calls_reset += 1900;
  EXPECT_EQ(Look(), Verdict::kLawful);
  use_.calls_reset += 300;
  EXPECT_EQ(Look(), Verdict::kCalls);
}

TEST_F(AppetiteTest, CallsWithoutTheirMessagesAreGreedyWhereTheyAreMany) {
  EXPECT_EQ(Look(), Verdict::kLawful);
  for (int i = 0; i < 1000; ++i) {  // a message may come with the next look
    use_.calls_begun += 2500;
    use_.messages_received += i % 2 == 0 ? 1500 : 3500;
    ASSERT_EQ(Look(), Verdict::kLawful);
  }
  use_.calls_begun += 2500;
  EXPECT_EQ(Look(), Verdict::kCalls);
}

TEST_F(AppetiteTest, AFewBytesAreNotWorthALookAndWhatIsWorkedOnIs) {
  EXPECT_FALSE(appetite_.IsWorthALook(1000, now_));
  EXPECT_TRUE(appetite_.IsWorthALook(100000, now_));
  use_.bytes_read = 100000;
  EXPECT_EQ(Look(), Verdict::kLawful);
  EXPECT_TRUE(appetite_.IsWorthALook(100000, now_ + absl::Seconds(9)));
  EXPECT_FALSE(appetite_.IsWorthALook(100000, now_ + absl::Seconds(10)));
  use_.calls_reset = 100;
  EXPECT_EQ(Look(), Verdict::kLawful);
  EXPECT_TRUE(appetite_.IsWorthALook(100000, now_ + absl::Seconds(9)));
}

}  // namespace
}  // namespace proctor::server
