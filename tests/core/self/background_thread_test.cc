#include "core/self/background_thread.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"

namespace proctor {
namespace {

TEST(BackgroundThreadTest, DoesOnePieceAfterAnotherOnOneThreadThatStays) {
  static auto& background = *new BackgroundThread;
  constexpr size_t kPieces = 100;
  // Only the thread touches these until it is done.
  std::vector<size_t> order;
  std::vector<std::thread::id> threads;
  absl::Notification done;
  for (size_t i = 0; i < kPieces; ++i) {
    ASSERT_TRUE(background
                    .Post([&, i] {
                      order.push_back(i);
                      threads.push_back(std::this_thread::get_id());
                      if (i + 1 == kPieces) done.Notify();
                    })
                    .ok());
  }
  done.WaitForNotification();
  for (size_t i = 0; i < kPieces; ++i) EXPECT_EQ(order[i], i);
  for (const auto& thread : threads) EXPECT_EQ(thread, threads[0]);
  EXPECT_NE(threads[0], std::this_thread::get_id());

  absl::Notification again;
  std::thread::id later;
  ASSERT_TRUE(background
                  .Post([&] {
                    later = std::this_thread::get_id();
                    again.Notify();
                  })
                  .ok());
  again.WaitForNotification();
  EXPECT_EQ(later, threads[0]);
}

TEST(BackgroundThreadTest, TakesWorkFromAllThreads) {
  static auto& background = *new BackgroundThread;
  int count = 0;  // of the thread
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) EXPECT_TRUE(background.Post([&] { ++count; }).ok());
    });
  }
  for (auto& thread : threads) thread.join();
  absl::Notification done;
  ASSERT_TRUE(background.Post([&] { done.Notify(); }).ok());
  done.WaitForNotification();
  EXPECT_EQ(count, 800);
}

}  // namespace
}  // namespace proctor
