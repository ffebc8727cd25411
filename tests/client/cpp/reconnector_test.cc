#include "proctor/client/reconnector.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "proctor/error.h"

namespace proctor::client {
namespace {

absl::Status Lost() { return absl::UnavailableError("gone"); }

TEST(ReconnectorTest, TriesAgainOnlyAfterALoss) {
  Reconnector reconnector({absl::Minutes(1), nullptr});
  EXPECT_TRUE(reconnector.Await(Lost()));
  EXPECT_TRUE(
      reconnector.Await(MakeError(absl::StatusCode::kUnavailable, Reason::kServerDraining, "m")));
  EXPECT_TRUE(reconnector.Await(absl::CancelledError("CANCELLED")));
  EXPECT_FALSE(
      reconnector.Await(MakeError(absl::StatusCode::kCancelled, Reason::kStartCancelled, "m")));
  EXPECT_FALSE(
      reconnector.Await(MakeError(absl::StatusCode::kNotFound, Reason::kProcessNotFound, "m")));
  EXPECT_FALSE(reconnector.Await(absl::OkStatus()));
}

TEST(ReconnectorTest, NotAtAllIsNotAtAll) {
  Reconnector reconnector({absl::ZeroDuration(), [](const absl::Status&) { FAIL(); }});
  EXPECT_FALSE(reconnector.Await(Lost()));
}

TEST(ReconnectorTest, GivesUpInTheEndAndTellsEachLossOnce) {
  int told = 0;
  Reconnector reconnector({absl::Milliseconds(150), [&](const absl::Status&) { ++told; }});
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
