#include "server/net/greedy_peers.h"

// Not netinet/tcp.h: its tcp_info lacks the bytes.
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

#include "server/listen/peer_address.h"

namespace proctor::server {
namespace {

// A flood of headers comes at some 400 MB a second on one machine.
constexpr absl::Duration kPeriod = absl::Milliseconds(250);

// More than the kernel keeps of what a peer has sent.
constexpr size_t kReceived = 1 << 30;

}  // namespace

void GreedyPeers::Add(int fd, ListenerLoad* load) {
  const auto socket = BorrowedSocket::Of(fd);
  if (!socket.has_value()) return;
  connections_.push_back({*socket, load, {}});
  if (!timer_.pending()) LookLater();
}

void GreedyPeers::LookLater() {
  timer_ = loop_->CallLater(kPeriod, [this] {
    CutGreedy(loop_->Time());
    if (!connections_.empty()) LookLater();
  });
}

Appetite::Verdict GreedyPeers::Judge(Connection& connection, absl::Duration now) {
  tcp_info info{};
  socklen_t size = sizeof info;
  // They stay 0 on kernels without them (before 4.1).
  if (::getsockopt(connection.socket.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      !connection.appetite.IsWorthALook(info.tcpi_bytes_received, now)) {
    return Appetite::Verdict::kLawful;
  }
  // gRPC cannot have used bytes that still wait in the kernel, as after a pause of the server.
  int unread = 0;
  (void)::ioctl(connection.socket.fd(), SIOCINQ, &unread);
  ConnectionUse use;
  use.bytes_read =
      info.tcpi_bytes_received -
      std::min(info.tcpi_bytes_received, static_cast<decltype(info.tcpi_bytes_received)>(unread));
  // Unknown while its handshake is under way, which has a bound of its own.
  if (!counts_.Read(PeerName(PeerAddress(connection.socket.fd())), &use)) {
    return Appetite::Verdict::kLawful;
  }
  return connection.appetite.Judge(use, now);
}

bool GreedyPeers::Cut(const Connection& connection, Refusal reason, absl::Duration now) {
  const UniqueFd own = connection.socket.Duplicate();
  if (!own) return !connection.socket.IsOpen();  // out of descriptors: the next time
  connection.load->Refuse(reason, PeerName(PeerAddress(own.get())), now);
  (void)::shutdown(own.get(), SHUT_RDWR);  // over already: as well
  // Drops the bytes that have come, so that gRPC gets no more of them.
  while (::recv(own.get(), nullptr, kReceived, MSG_TRUNC | MSG_DONTWAIT) > 0) {
  }
  return true;
}

void GreedyPeers::CutGreedy(absl::Duration now) {
  counts_.Refresh();
  const auto is_over = [&](Connection& connection) {
    if (!connection.socket.IsOpen()) return true;
    switch (Judge(connection, now)) {
      case Appetite::Verdict::kLawful:
        return false;
      case Appetite::Verdict::kBytes:
        return Cut(connection, Refusal::kBytesWithoutUse, now);
      case Appetite::Verdict::kCalls:
        return Cut(connection, Refusal::kCallsWithoutUse, now);
    }
    return false;
  };
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(), is_over),
                     connections_.end());
}

}  // namespace proctor::server
