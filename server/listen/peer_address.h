#pragma once

#include <sys/socket.h>

#include <string>

namespace proctor::server {

// The peer of a TCP connection.
//
// Thread-safety: plain functions. Lifetime: values.

// The address of the peer of a connected socket; of the family AF_UNSPEC when it has left.
sockaddr_storage PeerAddress(int fd);

// For people: "10.0.0.7:5123", "[2001:db8::1]:5123"; "unknown" for what is neither.
std::string PeerName(const sockaddr_storage& address);

// The peer that a connection counts for: "10.0.0.7", or the network "2001:db8:1:2::/64", because a
// peer with one address of IPv6 has all of its network.
std::string PeerOwner(const sockaddr_storage& address);

}  // namespace proctor::server
