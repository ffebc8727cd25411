#include "core/loop/uring.h"

#include <poll.h>

#include <cerrno>
#include <vector>

#include "tests/core/loop/loop_test.h"

namespace proctor {
namespace {

class UringTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const absl::Status can = Uring::Probe(); !can.ok()) GTEST_SKIP() << can;
    uring_ = *Uring::Create();
  }
  void TearDown() override {
    if (uring_ != nullptr) uring_->Drain();
  }

  // What has completed by now.
  std::vector<Uring::Completion> Look() {
    std::vector<Uring::Completion> completions;
    uring_->Wait(absl::ZeroDuration());
    uring_->Take([&](const Uring::Completion& each) { completions.push_back(each); });
    return completions;
  }

  std::unique_ptr<Uring> uring_;
  Pipe pipe_;
};

TEST_F(UringTest, APollCompletesOnce) {
  ASSERT_TRUE(uring_->MakeRoom());
  uring_->Poll(7, pipe_.read.get(), POLLIN, /*repeated=*/false);
  EXPECT_TRUE(Look().empty());
  pipe_.Write();
  const auto completions = Look();
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].id, 7u);
  EXPECT_EQ(completions[0].result & POLLIN, POLLIN);
  EXPECT_TRUE(completions[0].last);
  pipe_.Write();
  EXPECT_TRUE(Look().empty());
}

TEST_F(UringTest, ACancelledPollCompletesOnce) {
  ASSERT_TRUE(uring_->MakeRoom());
  uring_->Poll(7, pipe_.read.get(), POLLIN, /*repeated=*/false);
  EXPECT_TRUE(Look().empty());
  ASSERT_TRUE(uring_->MakeRoom());
  uring_->Cancel(7);
  const auto completions = Look();
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_EQ(completions[0].result, -ECANCELED);
  EXPECT_TRUE(completions[0].last);
}

TEST_F(UringTest, ACancelOfNothingIsSilent) {
  ASSERT_TRUE(uring_->MakeRoom());
  uring_->Cancel(7);
  EXPECT_TRUE(Look().empty());
}

TEST_F(UringTest, ARepeatedPollCompletesUntilItIsCancelled) {
  ASSERT_TRUE(uring_->MakeRoom());
  uring_->Poll(7, pipe_.read.get(), POLLIN, /*repeated=*/true);
  for (int i = 0; i < 3; ++i) {
    pipe_.Write();
    const auto completions = Look();
    ASSERT_EQ(completions.size(), 1u);
    EXPECT_EQ(completions[0].result & POLLIN, POLLIN);
    EXPECT_FALSE(completions[0].last);
  }
  ASSERT_TRUE(uring_->MakeRoom());
  uring_->Cancel(7);
  const auto completions = Look();
  ASSERT_EQ(completions.size(), 1u);
  EXPECT_TRUE(completions[0].last);
}

TEST_F(UringTest, MakesRoomForMoreThanItsQueueHolds) {
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(uring_->MakeRoom());
    uring_->Cancel(7);
  }
  EXPECT_TRUE(Look().empty());
}

TEST_F(UringTest, AWaitEndsAtItsTimeoutAndAtACompletion) {
  uring_->Wait(absl::Milliseconds(1));
  ASSERT_TRUE(uring_->MakeRoom());
  pipe_.Write();
  uring_->Poll(7, pipe_.read.get(), POLLIN, /*repeated=*/false);
  uring_->Wait(absl::Hours(1'000'000'000));
  EXPECT_EQ(Look().size(), 1u);
}

}  // namespace
}  // namespace proctor
