#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "core/base/own_thread.h"
#include "server/listen/listener_load.h"

namespace proctor::server::http {

class Connection;

// Decides which callers may hold a connection of the HTTP side.
//
// A connection is a stranger until a request on it has shown the token. Strangers have a quarter of
// the connections, and no more: they never take the place of a caller with a token, nor do these
// take that of a probe, which has none. When a new stranger finds no place, the oldest stranger
// goes, of the peer with the most. So a caller that asks at once, as probes do, gets its answer,
// and one that holds connections in silence loses them.
//
// Thread-safety: none; the http thread. Lifetime: owns no connection.
class ConnectionSlots {
 public:
  // `connections`: of all; `of_peer`: of these, from one address (PeerOwner).
  ConnectionSlots(size_t connections, size_t of_peer);

  struct Room {
    std::optional<Refusal> refusal;  // why there is none
    Connection* leaves = nullptr;    // to be closed first
  };
  // For a new connection of this peer.
  Room Find(const std::string& owner) const;

  // A new stranger, after Find.
  void Add(Connection* connection, const std::string& owner);

  // A stranger has shown the token. False when there is no place among those with a token.
  bool Keep(Connection* connection);

  // A connection has ended. Does nothing for one that was not added.
  void Remove(Connection* connection);

  // The PeerOwner of a connection that was added.
  const std::string& OwnerOf(Connection* connection) const;

 private:
  struct Stranger {
    Connection* connection;
    std::string owner;
  };

  size_t CountOf(const std::string& owner) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  Connection* OldestOf(const std::string& owner) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  std::string OwnerOfMost() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  std::deque<Stranger>::const_iterator FindStranger(const Connection* connection) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);
  void Forget(const std::string& owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(own_thread_);

  const size_t most_strangers_;
  const size_t most_known_;
  const size_t most_of_peer_;
  [[no_unique_address]] OwnThread own_thread_{"ConnectionSlots"};
  std::deque<Stranger> strangers_ ABSL_GUARDED_BY(own_thread_);  // the oldest first
  // And their owners.
  absl::flat_hash_map<Connection*, std::string> known_ ABSL_GUARDED_BY(own_thread_);
  absl::flat_hash_map<std::string, size_t> by_owner_ ABSL_GUARDED_BY(own_thread_);  // no zeros
};

}  // namespace proctor::server::http
