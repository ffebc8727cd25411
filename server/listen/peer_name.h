#pragma once

#include <string>

namespace proctor::server {

// The address of a TCP connection's other end, "127.0.0.1:5000" or "[::1]:5000"; "unknown" where
// the connection is gone. Safe from any thread.
std::string PeerName(int fd);

}  // namespace proctor::server
