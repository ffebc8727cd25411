#include "server/listen/silent_peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "proctor/unique_fd.h"
#include "tests/server/listen/own_network.h"

namespace proctor::server {
namespace {

using proctor::testing::SetLink;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr absl::Duration kSilence = absl::Milliseconds(100);

// A connection of TCP in a network of the test's own, whose only link it can cut.
class SilentPeersTest : public ::testing::Test {
 protected:
  void InOwnNetwork(const std::function<void()>& test) {
    const std::string why_not = proctor::testing::InOwnNetwork([&] {
      Connect();
      if (!HasFailure()) test();
      peer_.Reset();
      accepted_.Reset();
    });
    if (!why_not.empty()) GTEST_SKIP() << why_not;
  }

  void Connect() {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener.get(), generic, size), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), generic, &size), 0);
    peer_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(peer_.get(), generic, size), 0);
    accepted_.Reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ASSERT_TRUE(accepted_);
    peers_.Add(accepted_.get());
  }

  void Say() { ASSERT_EQ(::write(accepted_.get(), "beat", 4), 4); }

  // Says all that fits on the way to a peer that reads nothing.
  void SayAll() {
    const std::string block(65536, 'x');
    pollfd room = {accepted_.get(), POLLOUT, 0};
    while (::poll(&room, 1, 50) == 1) (void)!::write(accepted_.get(), block.data(), block.size());
  }

  tcp_info Info() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    EXPECT_EQ(::getsockopt(accepted_.get(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info;
  }

  bool IsShutDown() const {
    char byte;
    return ::recv(accepted_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }

  SilentPeers peers_{{kSilence, /*closed_window=*/absl::Hours(1)}};
  UniqueFd peer_;
  UniqueFd accepted_;
};

TEST_F(SilentPeersTest, CutsOffWhoAcknowledgesNothing) {
  InOwnNetwork([this] {
    SetLink(false);
    Say();
    std::vector<std::string> cut;
    while ((cut = peers_.CutSilent(absl::Now())).empty()) std::this_thread::yield();
    EXPECT_THAT(cut, ElementsAre(StartsWith("127.0.0.1:")));
    EXPECT_TRUE(IsShutDown());
    EXPECT_EQ(peers_.size(), 0u);
  });
}

TEST_F(SilentPeersTest, LeavesAloneOnWhomNothingWaits) {
  InOwnNetwork([this] {
    SetLink(false);
    const absl::Time later = absl::Now() + absl::Hours(1);
    while (Info().tcpi_last_ack_recv < 2 * absl::ToInt64Milliseconds(kSilence)) {
      EXPECT_THAT(peers_.CutSilent(absl::Now()), IsEmpty());
    }
    EXPECT_THAT(peers_.CutSilent(later), IsEmpty());
    // Nor is it to blame for the time before there was something to acknowledge.
    Say();
    EXPECT_THAT(peers_.CutSilent(absl::Now()), IsEmpty());
    EXPECT_FALSE(IsShutDown());
  });
}

TEST_F(SilentPeersTest, LeavesAloneWhoOnlyDoesNotRead) {
  InOwnNetwork([this] {
    SayAll();
    ASSERT_GT(Info().tcpi_notsent_bytes, 0u);
    while (Info().tcpi_snd_wnd > 0) std::this_thread::yield();  // a probe takes the last of it
    // Its answers to the kernel's probes are further and further apart.
    while (Info().tcpi_last_ack_recv < 3 * absl::ToInt64Milliseconds(kSilence)) {
      EXPECT_THAT(peers_.CutSilent(absl::Now()), IsEmpty());
      std::this_thread::yield();
    }
    EXPECT_FALSE(IsShutDown());
  });
}

TEST_F(SilentPeersTest, ForgetsWhatIsClosedAndMistakesNoOtherForIt) {
  InOwnNetwork([this] {
    const int number = accepted_.get();
    accepted_.Reset();
    const UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UniqueFd same_number(::dup2(other.get(), number));
    ASSERT_EQ(same_number.get(), number);
    EXPECT_THAT(peers_.CutSilent(absl::Now()), IsEmpty());
    EXPECT_EQ(peers_.size(), 0u);
  });
}

}  // namespace
}  // namespace proctor::server
