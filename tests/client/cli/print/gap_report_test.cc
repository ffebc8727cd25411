#include "client/cli/print/gap_report.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "tests/client/messages.h"

namespace proctor::cli {
namespace {

using namespace ::proctor::testing;  // NOLINT: the vocabulary of these tests.

class GapReportTest : public ::testing::Test {
 protected:
  std::vector<std::string> said_;
  absl::Time now_ = absl::UnixEpoch();
  GapReport report_{[this](const std::string& text) { said_.push_back(text); },
                    [this] { return now_; }, absl::InfiniteDuration()};
};

constexpr char kWhy[] = ": the server did not keep them";

TEST_F(GapReportTest, JoinsGapsThatFollowOneAnother) {
  report_.OnMessage(Gap(v1::STREAM_STDOUT, 0, 10));
  report_.OnMessage(Gap(v1::STREAM_STDERR, 0, 5));
  report_.OnMessage(Gap(v1::STREAM_STDOUT, 10, 17));
  EXPECT_TRUE(said_.empty());
  report_.OnMessage(Stdout(17, "x"));
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_EQ(said_[0],
            std::string("17 bytes of stdout and 5 bytes of stderr are missing here") + kWhy);
}

TEST_F(GapReportTest, SpeaksOnceASecondAndAtTheEnd) {
  uint64_t at = 0;
  const auto flood = [&](int gaps) {
    for (int i = 0; i < gaps; ++i, at += 11) {
      report_.OnMessage(Gap(v1::STREAM_STDOUT, at, at + 10));
      report_.OnMessage(Stdout(at + 10, "x"));
    }
  };
  flood(100);
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_EQ(said_[0], std::string("10 bytes of stdout are missing here") + kWhy);
  now_ += absl::Seconds(1);
  flood(1);
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_EQ(said_[1], std::string("1000 bytes of stdout are missing above") + kWhy);
  flood(3);
  report_.Finish();
  ASSERT_EQ(said_.size(), 3u);
  EXPECT_EQ(said_[2], std::string("30 bytes of stdout are missing above") + kWhy);
  report_.Finish();
  EXPECT_EQ(said_.size(), 3u);
}

TEST(SilentGapReportTest, SpeaksWhenTheStreamFallsSilent) {
  absl::Mutex mutex;
  std::vector<std::string> said;
  GapReport report(
      [&](const std::string& text) {
        absl::MutexLock lock(&mutex);
        said.push_back(text);
      },
      absl::Now, absl::Milliseconds(10));
  const auto await = [&](size_t count) {
    const auto enough = [&] { return said.size() == count; };
    absl::MutexLock lock(&mutex);
    return mutex.AwaitWithTimeout(absl::Condition(&enough), absl::Minutes(1));
  };
  report.OnMessage(Gap(v1::STREAM_STDOUT, 0, 10));
  EXPECT_TRUE(await(1)) << "nothing comes behind it";
  report.OnMessage(Gap(v1::STREAM_STDOUT, 10, 15));
  EXPECT_TRUE(await(2));
  absl::MutexLock lock(&mutex);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[1], std::string("5 bytes of stdout are missing here") + kWhy);
}

TEST_F(GapReportTest, SaysNothingOfWhatIsComplete) {
  report_.OnMessage(Started());
  report_.OnMessage(Stdout(0, "x"));
  report_.Finish();
  EXPECT_TRUE(said_.empty());
}

}  // namespace
}  // namespace proctor::cli
