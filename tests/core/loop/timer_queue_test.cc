#include "core/loop/timer_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace proctor {
namespace {

class TimerQueueTest : public testing::Test {
 protected:
  LoopHandle Add(
      absl::Duration when, LoopCallback callback = [] {}) {
    auto state = std::make_shared<LoopHandle::State>();
    state->callback = std::move(callback);
    queue_->Add(when, state);
    return LoopHandle(std::move(state));
  }

  std::unique_ptr<TimerQueue> queue_ = std::make_unique<TimerQueue>();
};

TEST_F(TimerQueueTest, GivesWhatIsDueInOrder) {
  std::vector<int> order;
  for (int second : {5, 1, 3, 1, 2}) {
    Add(absl::Seconds(second), [&order, second] { order.push_back(second); });
  }
  EXPECT_EQ(queue_->NextTime(), absl::Seconds(1));
  queue_->TakeDue(absl::Seconds(3), [](auto state) { state->callback(); });
  EXPECT_THAT(order, testing::ElementsAre(1, 1, 2, 3));
  EXPECT_EQ(queue_->NextTime(), absl::Seconds(5));
}

TEST_F(TimerQueueTest, KeepsTheOrderOfTheCallsForEqualTimes) {
  std::vector<int> order;
  for (int i = 0; i < 50; ++i) Add(absl::Seconds(1), [&order, i] { order.push_back(i); });
  queue_->TakeDue(absl::Seconds(1), [](auto state) { state->callback(); });
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(TimerQueueTest, PrunesCancelledOnesInFront) {
  LoopHandle first = Add(absl::Seconds(1)), second = Add(absl::Seconds(2)),
             third = Add(absl::Seconds(3));
  first.Cancel();
  third.Cancel();
  queue_->Prune();
  EXPECT_EQ(queue_->size(), 2u);
  EXPECT_EQ(queue_->cancelled(), 1u);
  EXPECT_EQ(queue_->NextTime(), absl::Seconds(2));
}

TEST_F(TimerQueueTest, CompactsWhenMoreThanHalfOfMoreThanAHundredAreCancelled) {
  std::vector<LoopHandle> handles;
  for (int i = 0; i < 102; ++i) handles.push_back(Add(absl::Seconds(i)));
  for (int i = 51; i < 102; ++i) handles[i].Cancel();
  queue_->Prune();
  EXPECT_EQ(queue_->size(), 102u) << "just half is not more than half";
  handles[50].Cancel();
  queue_->Prune();
  EXPECT_EQ(queue_->size(), 50u);
  EXPECT_EQ(queue_->cancelled(), 0u);
  int due = 0;
  queue_->TakeDue(absl::InfiniteDuration(), [&](auto) { ++due; });
  EXPECT_EQ(due, 50);
}

TEST_F(TimerQueueTest, HandlesOutliveTheQueue) {
  LoopHandle pending = Add(absl::Seconds(1)), taken = Add(absl::Seconds(0));
  queue_->TakeDue(absl::Seconds(0), [](auto) {});
  queue_.reset();
  EXPECT_FALSE(pending.pending());
  pending.Cancel();
  taken.Cancel();
  EXPECT_TRUE(pending.cancelled());
}

}  // namespace
}  // namespace proctor
