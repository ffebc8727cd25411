#include "client/cpp/reconnector.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/time/clock.h"

namespace proctor::client {
namespace {

Error Lost() { return {absl::StatusCode::kUnavailable, "gone", "", "", {}}; }

TEST(ReconnectorTest, TriesAgainOnlyAfterALoss) {
  Reconnector reconnector({absl::Minutes(1), nullptr});
  EXPECT_TRUE(reconnector.Await(Lost()));
  EXPECT_TRUE(reconnector.Await({absl::StatusCode::kUnavailable, "m", "SERVER_DRAINING", "", {}}));
  EXPECT_TRUE(reconnector.Await({absl::StatusCode::kCancelled, "CANCELLED", "", "", {}}));
  EXPECT_FALSE(reconnector.Await({absl::StatusCode::kCancelled, "m", "START_CANCELLED", "", {}}));
  EXPECT_FALSE(reconnector.Await({absl::StatusCode::kNotFound, "m", "PROCESS_NOT_FOUND", "", {}}));
  EXPECT_FALSE(reconnector.Await({}));
}

TEST(ReconnectorTest, NotAtAllIsNotAtAll) {
  Reconnector reconnector({absl::ZeroDuration(), [](const Error&) { FAIL(); }});
  EXPECT_FALSE(reconnector.Await(Lost()));
}

TEST(ReconnectorTest, GivesUpInTheEndAndTellsEachLossOnce) {
  int told = 0;
  Reconnector reconnector({absl::Milliseconds(150), [&](const Error&) { ++told; }});
  int tries = 0;
  while (reconnector.Await(Lost())) ++tries;
  EXPECT_GE(tries, 1);
  EXPECT_EQ(told, 1);
  reconnector.OnAlive();
  EXPECT_TRUE(reconnector.Await(Lost()));
  EXPECT_EQ(told, 2);
}

TEST(ReconnectorTest, CancelEndsTheWait) {
  Reconnector reconnector({absl::InfiniteDuration(), nullptr});
  std::thread canceller([&] { reconnector.Cancel(); });
  while (reconnector.Await(Lost())) {
  }
  canceller.join();
  EXPECT_FALSE(reconnector.Await(Lost()));
}

}  // namespace
}  // namespace proctor::client
