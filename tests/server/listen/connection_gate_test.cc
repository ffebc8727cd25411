#include "server/listen/connection_gate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <vector>

#include "proctor/unique_fd.h"
#include "server/listen/descriptor_reserve.h"

namespace proctor::server {
namespace {

sockaddr_storage From(const char* text) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  v4.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, text, &v4.sin_addr), 1);
  return address;
}

// Sockets that nobody has connected: the gate looks whether they are open, and no further.
class ConnectionGateTest : public testing::Test {
 protected:
  bool Admit(const char* peer) {
    sockets_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool admitted = gate_.Admit(sockets_.back().get(), From(peer), now_);
    if (!admitted) sockets_.pop_back();
    return admitted;
  }

  uint64_t Refused(Refusal refusal) { return load_.refused()[RefusalName(refusal)]; }

  ListenerLoad load_{"test"};
  ConnectionGate gate_{{.connections = 4, .of_peer = 2}, &load_};
  absl::Duration now_ = absl::ZeroDuration();
  std::vector<UniqueFd> sockets_;
};

TEST_F(ConnectionGateTest, BoundsEachPeer) {
  EXPECT_TRUE(Admit("10.0.0.1"));
  EXPECT_TRUE(Admit("10.0.0.1"));
  EXPECT_FALSE(Admit("10.0.0.1"));
  EXPECT_TRUE(Admit("10.0.0.2"));
  EXPECT_EQ(load_.open(), 3u);
  EXPECT_EQ(Refused(Refusal::kConnectionsOfPeer), 1u);
}

TEST_F(ConnectionGateTest, BoundsTheListener) {
  for (const char* peer : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}) {
    EXPECT_TRUE(Admit(peer));
  }
  EXPECT_FALSE(Admit("10.0.0.5"));
  EXPECT_EQ(Refused(Refusal::kConnections), 1u);
}

TEST_F(ConnectionGateTest, FindsRoomWhereConnectionsHaveEnded) {
  EXPECT_TRUE(Admit("10.0.0.1"));
  EXPECT_TRUE(Admit("10.0.0.1"));
  sockets_.clear();
  EXPECT_TRUE(Admit("10.0.0.1"));
  EXPECT_EQ(gate_.size(), 1u);
  // It does not look at all of them for each that a flood brings.
  EXPECT_TRUE(Admit("10.0.0.1"));
  sockets_.pop_back();
  EXPECT_FALSE(Admit("10.0.0.1"));
  now_ += absl::Milliseconds(100);
  EXPECT_TRUE(Admit("10.0.0.1"));
}

TEST_F(ConnectionGateTest, DoesNotTakeANumberThatIsUsedAgainForTheConnection) {
  EXPECT_TRUE(Admit("10.0.0.1"));
  const int number = sockets_.back().get();
  sockets_.clear();
  const UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd same_number(::fcntl(other.get(), F_DUPFD_CLOEXEC, number));
  gate_.ForgetClosed();
  EXPECT_EQ(gate_.size(), 0u);
  EXPECT_EQ(load_.open(), 0u);
}

TEST_F(ConnectionGateTest, LeavesAReserveOfDescriptors) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{256, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  EXPECT_TRUE(Admit("10.0.0.1"));
  std::vector<UniqueFd> hoard;
  const uint64_t reserve = DescriptorReserve(few.rlim_cur);
  while (hoard.empty() || hoard.back().get() < static_cast<int>(few.rlim_cur - reserve) - 1) {
    hoard.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(hoard.back());
  }
  EXPECT_FALSE(Admit("10.0.0.1"));
  EXPECT_EQ(Refused(Refusal::kDescriptors), 1u);
  ConnectionGate unix_gate(kNoConnectionLimits, &load_);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(unix_gate.Admit(socket.get(), sockaddr_storage{}, now_));
  hoard.clear();
  EXPECT_TRUE(Admit("10.0.0.1"));
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(DescriptorReserveTest, IsAQuarterAndNotMoreThanIsOfUse) {
  EXPECT_EQ(DescriptorReserve(48), 12u);
  EXPECT_EQ(DescriptorReserve(1024), 256u);
  EXPECT_EQ(DescriptorReserve(1 << 20), 1024u);
}

}  // namespace
}  // namespace proctor::server
