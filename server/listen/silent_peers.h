#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/listen/borrowed_socket.h"

namespace proctor::server {

// Finds TCP connections with a peer that vanished without a word: its machine lost power, its link
// was cut.
//
// The kernel sends TCP's own probes (SO_KEEPALIVE) only when nothing waits to be acknowledged. A
// stream's heartbeats always wait, and the kernel repeats those for a quarter of an hour.
// TCP_USER_TIMEOUT would end it in time. But since Linux 5.11 it also ends a peer that acknowledges
// all and reads nothing, such as one stopped in a debugger. So this looks at what the kernel knows
// of each connection:
//
//   something waits to be sent or acknowledged   and   the peer has acknowledged nothing at all
//   ────────────── both for `silence`, or for `closed_window` where its window is zero ─────────▶
//   cut
//
// The kernel probes a window of zero at pauses that grow to two minutes, so a peer that is only
// stopped answers no more often.
//
// The viewers of the HTTP side are looked at in the same way.
//
// Thread-safety: none; one thread. Lifetime: owns no socket.
class SilentPeers {
 public:
  struct Limits {
    absl::Duration silence = absl::Seconds(60);
    absl::Duration closed_window = absl::Minutes(5);
  };

  explicit SilentPeers(const Limits& limits) : limits_(limits) {}
  SilentPeers() : SilentPeers(Limits()) {}

  // How often CutSilent is to be called.
  absl::Duration period() const { return limits_.silence / 12; }

  // A connection that was just accepted.
  void Add(int fd);

  // Shuts down (shutdown(2)) the connections with vanished peers, and forgets closed ones. Returns
  // the addresses of the peers that were cut off.
  std::vector<std::string> CutSilent(absl::Time now);

  size_t size() const { return connections_.size(); }

 private:
  struct Connection {
    BorrowedSocket socket;
    absl::Time waits_since;  // InfiniteFuture while nothing waits
  };

  bool IsSilent(Connection& connection, absl::Time now) const;

  const Limits limits_;
  std::vector<Connection> connections_;
};

}  // namespace proctor::server
