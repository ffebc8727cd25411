#include "server/listen/silent_peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/unique_fd.h"

namespace proctor::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

constexpr absl::Duration kSilence = absl::Milliseconds(100);

// A connection of TCP in a network of the test's own, whose only link it can cut. On a thread of
// its own, because a thread does not come back from its network.
class SilentPeersTest : public testing::Test {
 protected:
  void InOwnNetwork(const std::function<void()>& test) {
    std::string why_not;
    std::thread thread([&] {
      if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        why_not = absl::StrCat("no network of its own can be had: ", ::strerror(errno));
        return;
      }
      SetLink(true);
      Connect();
      if (!HasFailure()) test();
      peer_.Reset();
      accepted_.Reset();
    });
    thread.join();
    if (!why_not.empty()) GTEST_SKIP() << why_not;
  }

  static void SetLink(bool up) {
    const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq link{};
    strcpy(link.ifr_name, "lo");
    ASSERT_EQ(::ioctl(any.get(), SIOCGIFFLAGS, &link), 0) << ::strerror(errno);
    link.ifr_flags = static_cast<short>(up ? link.ifr_flags | IFF_UP : link.ifr_flags & ~IFF_UP);
    ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &link), 0) << ::strerror(errno);
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
