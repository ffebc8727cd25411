#include "server/listen/connection_gate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/listen/descriptor_reserve.h"
#include "server/listen/peer_address.h"

namespace proctor::server {
namespace {

// Between two looks at all connections, lest a flood of new ones costs one each.
constexpr absl::Duration kLookPause = absl::Milliseconds(100);

}  // namespace

bool ConnectionGate::HasRoom(const std::string& owner) const {
  const auto found = by_owner_.find(owner);
  return connections_.size() < limits_.connections &&
         (found == by_owner_.end() || found->second < limits_.of_peer);
}

bool ConnectionGate::Admit(int fd, const sockaddr_storage& peer, absl::Duration now) {
  if (limits_.leave_reserve && TakesFromReserve(fd)) {
    load_->Refuse(Refusal::kDescriptors, PeerName(peer), now);
    return false;
  }
  std::string owner = PeerOwner(peer);
  if (!HasRoom(owner) && now >= next_look_) {
    next_look_ = now + kLookPause;
    ForgetClosed();
  }
  if (!HasRoom(owner)) {
    const bool all = connections_.size() >= limits_.connections;
    load_->Refuse(all ? Refusal::kConnections : Refusal::kConnectionsOfPeer, PeerName(peer), now);
    return false;
  }
  const auto socket = BorrowedSocket::Of(fd);
  if (!socket.has_value()) return false;  // cannot be: it was just accepted
  ++by_owner_[owner];
  connections_.push_back({*socket, std::move(owner)});
  load_->SetOpen(connections_.size());
  return true;
}

void ConnectionGate::ForgetClosed() {
  const auto is_closed = [this](const Connection& connection) {
    if (connection.socket.IsOpen()) return false;
    const auto count = by_owner_.find(connection.owner);
    if (--count->second == 0) by_owner_.erase(count);
    return true;
  };
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(), is_closed),
                     connections_.end());
  load_->SetOpen(connections_.size());
}

}  // namespace proctor::server
