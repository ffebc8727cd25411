#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "server/listen/listener_load.h"

namespace proctor::server::http {

class Connection;

// Who may hold a connection of the HTTP side.
//
// Whoever connects is a stranger until a request of it has shown the token. A quarter of the
// connections is for strangers, and only that: so they never take the place of somebody with a
// token, nor these that of a probe, which has none. Where no place is left for a new stranger,
// the oldest of the peer with the most goes: who asks at once, as probes do, is answered before,
// and who holds connections in silence loses its own.
//
// Thread-safety: none; the http thread. Lifetime: owns no connection.
class ConnectionSlots {
 public:
  // `connections`: of all; `of_peer`: of these, from one address (PeerOwner).
  ConnectionSlots(size_t connections, size_t of_peer);

  struct Room {
    std::optional<Refusal> refusal;  // there is none
    Connection* leaves = nullptr;    // there is, once this one is closed
  };
  // For a new connection of this peer.
  Room Find(const std::string& owner) const;

  // A new stranger, after Find.
  void Add(Connection* connection, const std::string& owner);

  // A stranger has shown the token. False where there is no place for it among those who have.
  bool Keep(Connection* connection);

  // A connection has ended. Nothing for one that was not added.
  void Remove(Connection* connection);

  // PeerOwner of one that was added.
  const std::string& OwnerOf(Connection* connection) const;

 private:
  struct Stranger {
    Connection* connection;
    std::string owner;
  };

  size_t CountOf(const std::string& owner) const;
  Connection* OldestOf(const std::string& owner) const;
  std::string OwnerOfMost() const;
  std::deque<Stranger>::const_iterator FindStranger(const Connection* connection) const;
  void Forget(const std::string& owner);

  const size_t most_strangers_;
  const size_t most_known_;
  const size_t most_of_peer_;
  std::deque<Stranger> strangers_;                       // the oldest first
  absl::flat_hash_map<Connection*, std::string> known_;  // and their owners
  absl::flat_hash_map<std::string, size_t> by_owner_;    // no zeros
};

}  // namespace proctor::server::http
