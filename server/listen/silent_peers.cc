#include "server/listen/silent_peers.h"

// Not netinet/tcp.h: its tcp_info lacks the window.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

#include "server/listen/peer_address.h"

namespace proctor::server {

void SilentPeers::Add(int fd) {
  if (const auto socket = BorrowedSocket::Of(fd)) {
    connections_.push_back({*socket, absl::InfiniteFuture()});
  }
}

bool SilentPeers::IsSilent(Connection& connection, absl::Time now) const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(connection.socket.fd(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  if (info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0) {
    connection.waits_since = absl::InfiniteFuture();
    return false;
  }
  connection.waits_since = std::min(connection.waits_since, now);
  // On kernels without the window (before 5.4), it may be zero.
  const bool knows_window = size >= offsetof(tcp_info, tcpi_snd_wnd) + sizeof info.tcpi_snd_wnd;
  const absl::Duration limit =
      knows_window && info.tcpi_snd_wnd > 0 ? limits_.silence : limits_.closed_window;
  return now - connection.waits_since >= limit &&
         absl::Milliseconds(info.tcpi_last_ack_recv) >= limit;
}

std::vector<std::string> SilentPeers::CutSilent(absl::Time now) {
  std::vector<std::string> cut;
  const auto is_over = [&](Connection& connection) {
    if (!connection.socket.IsOpen()) return true;
    if (!IsSilent(connection, now)) return false;
    const UniqueFd own = connection.socket.Duplicate();
    if (!own) return !connection.socket.IsOpen();  // out of descriptors: the next time
    cut.push_back(PeerName(PeerAddress(own.get())));
    (void)::shutdown(own.get(), SHUT_RDWR);  // over already: as well
    return true;
  };
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(), is_over),
                     connections_.end());
  return cut;
}

}  // namespace proctor::server
