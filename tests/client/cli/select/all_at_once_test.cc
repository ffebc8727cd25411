#include "client/cli/select/all_at_once.h"

#include <gtest/gtest.h>
#include <pthread.h>

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
  size_t begun = 0;
  bool open = false;
  size_t done = 0;
  const auto one_more = [&] { return begun > kMostAtOnce; };
  AllAtOnce(
      kCount,
      [&](size_t) {
        absl::MutexLock lock(&mutex);
        ++begun;
        if (open) return;
        // All are held until the last that may be there has seen that no other one comes.
        if (begun == kMostAtOnce) {
          EXPECT_FALSE(mutex.AwaitWithTimeout(absl::Condition(&one_more), absl::Milliseconds(200)));
          open = true;
        }
        mutex.Await(absl::Condition(&open));
      },
      [&](size_t) { ++done; });
  EXPECT_EQ(done, kCount);
}

TEST(AllAtOnceTest, DoesItAloneWhereThereAreNoThreads) {
  pthread_attr_t before;
  ASSERT_EQ(pthread_getattr_default_np(&before), 0);
  pthread_attr_t huge;
  ASSERT_EQ(pthread_attr_init(&huge), 0);
  // More than there is room for.
  ASSERT_EQ(pthread_attr_setstacksize(&huge, size_t{1} << 56), 0);
  ASSERT_EQ(pthread_setattr_default_np(&huge), 0);
  std::vector<size_t> worked;
  std::vector<size_t> order;
  AllAtOnce(
      3, [&](size_t index) { worked.push_back(index); },
      [&](size_t index) { order.push_back(index); });
  ASSERT_EQ(pthread_setattr_default_np(&before), 0);
  pthread_attr_destroy(&huge);
  pthread_attr_destroy(&before);
  EXPECT_EQ(worked, (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(order, worked);
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
