#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/listen/appetite.h"

namespace proctor::server {

// gRPC's counts for each connection (channelz), by the address of its peer.
//
// Thread-safety: none; one thread. Costs some 50 µs a connection, and at the first look at one
// a list of all.
class CallCounts {
 public:
  // Fills all but the bytes; false when gRPC does not know the connection (any more). Gets at most
  // one list between two calls of Refresh.
  bool Read(const std::string& peer, ConnectionUse* use);

  // Allows another list, which brings new connections and drops old ones.
  void Refresh() { listed_ = false; }

 private:
  void List();

  absl::flat_hash_map<std::string, int64_t> sockets_;  // by PeerName
  bool listed_ = false;
};

}  // namespace proctor::server
