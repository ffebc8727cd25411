#include "client/cli/all_at_once.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace proctor::cli {
namespace {

TEST(AllAtOnceTest, DoesNothingForNothing) {
  AllAtOnce(
      0, [](size_t) { FAIL(); }, [](size_t) { FAIL(); });
}

TEST(AllAtOnceTest, DoesOneOnTheCallersThread) {
  const std::thread::id caller = std::this_thread::get_id();
  AllAtOnce(
      1, [&](size_t) { EXPECT_EQ(std::this_thread::get_id(), caller); }, [](size_t) {});
}

TEST(AllAtOnceTest, HasAsManyUnderWayAsItSays) {
  absl::Barrier all(kMostAtOnce);
  std::vector<size_t> order;
  AllAtOnce(
      kMostAtOnce, [&](size_t) { all.Block(); }, [&](size_t index) { order.push_back(index); });
  std::vector<size_t> expected(kMostAtOnce);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}

TEST(AllAtOnceTest, HasNoMoreUnderWayThanItSays) {
  constexpr size_t kCount = 3 * kMostAtOnce;
  absl::Mutex mutex;
  size_t now = 0;
  size_t most = 0;
  size_t done = 0;
  AllAtOnce(
      kCount,
      [&](size_t) {
        {
          absl::MutexLock lock(&mutex);
          most = std::max(most, ++now);
        }
        std::this_thread::yield();
        absl::MutexLock lock(&mutex);
        --now;
      },
      [&](size_t) { ++done; });
  EXPECT_EQ(done, kCount);
  EXPECT_LE(most, kMostAtOnce);
}

TEST(AllAtOnceTest, TellsOfTheFirstBeforeTheLastIsDone) {
  absl::Notification told;
  AllAtOnce(
      2,
      [&](size_t index) {
        if (index == 1) told.WaitForNotification();
      },
      [&](size_t index) {
        if (index == 0) told.Notify();
      });
}

}  // namespace
}  // namespace proctor::cli
