#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "server/listen/borrowed_socket.h"
#include "server/listen/listener_load.h"

namespace proctor::server {

// How many connections may be open.
struct ConnectionLimits {
  size_t connections = 4096;  // of one listener
  size_t of_peer = 512;       // of these, from one address (one /64 network of IPv6)
  bool leave_reserve = true;  // of descriptors (descriptor_reserve.h)
};

// The limits of a unix socket: its peers are the operator's.
inline constexpr ConnectionLimits kNoConnectionLimits = {SIZE_MAX, SIZE_MAX, false};

// Decides which connections of one listener may stay. Their owner, gRPC, does not say when they
// end, so the gate looks at each: now and then, and when there seems to be no room. It notices an
// end within a tenth of a second then.
//
// A connection costs three system calls more by this. Rejected: a proxy of our own that sees each
// byte. It would copy every byte.
//
// Thread-safety: none; one thread. Lifetime: owns no socket. `load` outlives it.
class ConnectionGate {
 public:
  ConnectionGate(const ConnectionLimits& limits, ListenerLoad* load)
      : limits_(limits), load_(load) {}

  // Whether a connection that was just accepted may stay. Counts it if so; else counts the refusal
  // in the load, and the caller closes it. `now` is by any clock that never goes back.
  bool Admit(int fd, const sockaddr_storage& peer, absl::Duration now);

  // Gives back the room of connections that were closed.
  void ForgetClosed();

  size_t size() const { return connections_.size(); }

 private:
  struct Connection {
    BorrowedSocket socket;
    std::string owner;
  };

  bool HasRoom(const std::string& owner) const;

  const ConnectionLimits limits_;
  ListenerLoad* const load_;
  std::vector<Connection> connections_;
  absl::flat_hash_map<std::string, size_t> by_owner_;  // no zeros
  absl::Duration next_look_ = -absl::InfiniteDuration();
};

}  // namespace proctor::server
