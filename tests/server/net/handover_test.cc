#include "server/net/handover.h"

#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

#include "absl/synchronization/notification.h"

namespace proctor::server {
namespace {

// gRPC, busy with a connection for as long as the test likes.
class BusyTaker final : public grpc::experimental::ExternalConnectionAcceptor {
 public:
  void HandleNewConnection(NewConnectionParameters* connection) override {
    taken.Reset(connection->fd);
    listener = connection->listener_fd;
    came.Notify();
    go_on.WaitForNotification();
  }

  absl::Notification came;
  absl::Notification go_on;
  UniqueFd taken;
  int listener = -1;
};

class HandoverTest : public testing::Test {
 protected:
  void SetUp() override {
    auto handover = Handover::Start();
    ASSERT_TRUE(handover.ok()) << handover.status();
    handover_ = *std::move(handover);
  }

  // One end of a connection, whose other end sees when it is closed.
  static std::pair<UniqueFd, UniqueFd> MakeConnection() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
  }

  static bool IsAtEnd(const UniqueFd& end) {
    char byte;
    return ::recv(end.get(), &byte, 1, 0) == 0;
  }

  std::unique_ptr<Handover> handover_;
};

TEST_F(HandoverTest, GivesOnAThreadOfItsOwnAndHoldsUpNobodyElse) {
  const auto busy = std::make_shared<BusyTaker>();
  const auto next = std::make_shared<BusyTaker>();
  next->go_on.Notify();
  auto first = MakeConnection();
  auto second = MakeConnection();
  const int number = first.first.get();
  handover_->Give(busy, 7, std::move(first.first), "peer");
  busy->came.WaitForNotification();
  EXPECT_EQ(busy->taken.get(), number);
  EXPECT_EQ(busy->listener, 7);
  handover_->Give(next, 8, std::move(second.first), "peer");  // returns, though that one is busy
  busy->go_on.Notify();
  next->came.WaitForNotification();
  handover_.reset();
  EXPECT_EQ(next->listener, 8);
}

TEST_F(HandoverTest, ClosesWhatWaitsWhenItStops) {
  const auto busy = std::make_shared<BusyTaker>();
  auto first = MakeConnection();
  auto waiting = MakeConnection();
  auto late = MakeConnection();
  handover_->Give(busy, 7, std::move(first.first), "peer");
  busy->came.WaitForNotification();
  handover_->Give(busy, 7, std::move(waiting.first), "peer");
  handover_->Stop();
  EXPECT_TRUE(IsAtEnd(waiting.second));
  handover_->Give(busy, 7, std::move(late.first), "peer");
  EXPECT_TRUE(IsAtEnd(late.second));
  busy->go_on.Notify();
}

}  // namespace
}  // namespace proctor::server
