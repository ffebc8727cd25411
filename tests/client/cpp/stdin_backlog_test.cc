#include "client/cpp/stdin_backlog.h"

#include <gtest/gtest.h>

namespace proctor::client {
namespace {

TEST(StdinBacklogTest, KeepsWhatIsNotAcknowledged) {
  StdinBacklog backlog;
  backlog.Append("abc");
  backlog.Append("");
  backlog.Append("defg");
  EXPECT_EQ(backlog.chunks().size(), 2u);
  backlog.OnAcknowledged(4);
  EXPECT_EQ(backlog.begin(), 4u);
  ASSERT_EQ(backlog.chunks().size(), 1u);
  EXPECT_EQ(backlog.chunks()[0], "efg");
  backlog.OnAcknowledged(2);  // late
  EXPECT_EQ(backlog.begin(), 4u);
  backlog.OnAcknowledged(7);
  EXPECT_TRUE(backlog.chunks().empty());
  EXPECT_EQ(backlog.begin(), 7u);
}

TEST(StdinBacklogTest, BeginsAnewBehindWhatOthersWrote) {
  StdinBacklog backlog;
  backlog.OnAcknowledged(10);
  backlog.Append("x");
  EXPECT_EQ(backlog.begin(), 10u);
  backlog.OnAcknowledged(11);
  EXPECT_TRUE(backlog.chunks().empty());
}

}  // namespace
}  // namespace proctor::client
