#include "server/http/connection_slots.h"

#include <algorithm>

namespace proctor::server::http {

ConnectionSlots::ConnectionSlots(size_t connections, size_t of_peer)
    : most_strangers_(std::max<size_t>(connections / 4, 1)),
      most_known_(std::max<size_t>(connections, most_strangers_ + 1) - most_strangers_),
      most_of_peer_(of_peer) {}

size_t ConnectionSlots::CountOf(const std::string& owner) const {
  const auto found = by_owner_.find(owner);
  return found == by_owner_.end() ? 0 : found->second;
}

Connection* ConnectionSlots::OldestOf(const std::string& owner) const {
  const auto found =
      std::find_if(strangers_.begin(), strangers_.end(),
                   [&](const Stranger& stranger) { return stranger.owner == owner; });
  return found == strangers_.end() ? nullptr : found->connection;
}

std::string ConnectionSlots::OwnerOfMost() const {
  absl::flat_hash_map<std::string, size_t> counts;
  const std::string* most = nullptr;
  for (const Stranger& stranger : strangers_) {
    const size_t count = ++counts[stranger.owner];
    if (most == nullptr || count > counts[*most]) most = &stranger.owner;
  }
  return most == nullptr ? "" : *most;
}

ConnectionSlots::Room ConnectionSlots::Find(const std::string& owner) const {
  own_thread_.Check();
  Room room;
  if (CountOf(owner) >= most_of_peer_) {
    room.leaves = OldestOf(owner);
    if (room.leaves == nullptr) room.refusal = Refusal::kConnectionsOfPeer;
  } else if (strangers_.size() >= most_strangers_) {
    room.leaves = OldestOf(OwnerOfMost());
  }
  return room;
}

std::deque<ConnectionSlots::Stranger>::const_iterator ConnectionSlots::FindStranger(
    const Connection* connection) const {
  return std::find_if(strangers_.begin(), strangers_.end(),
                      [&](const Stranger& each) { return each.connection == connection; });
}

void ConnectionSlots::Add(Connection* connection, const std::string& owner) {
  own_thread_.Check();
  strangers_.push_back({connection, owner});
  ++by_owner_[owner];
}

bool ConnectionSlots::Keep(Connection* connection) {
  own_thread_.Check();
  const auto stranger = FindStranger(connection);
  if (stranger == strangers_.end()) return known_.contains(connection);
  if (known_.size() >= most_known_) return false;
  known_[connection] = stranger->owner;
  strangers_.erase(stranger);
  return true;
}

void ConnectionSlots::Remove(Connection* connection) {
  own_thread_.Check();
  if (const auto known = known_.find(connection); known != known_.end()) {
    Forget(known->second);
    known_.erase(known);
    return;
  }
  const auto stranger = FindStranger(connection);
  if (stranger == strangers_.end()) return;
  Forget(stranger->owner);
  strangers_.erase(stranger);
}

const std::string& ConnectionSlots::OwnerOf(Connection* connection) const {
  own_thread_.Check();
  const auto known = known_.find(connection);
  return known != known_.end() ? known->second : FindStranger(connection)->owner;
}

void ConnectionSlots::Forget(const std::string& owner) {
  const auto count = by_owner_.find(owner);
  if (--count->second == 0) by_owner_.erase(count);
}

}  // namespace proctor::server::http
