#pragma once

#include <sys/socket.h>

namespace proctor::server {

// The connections that were accepted at an address, with any owner.
//
// gRPC (1.51) cannot end a call while its message waits for a full socket, as with a stopped
// client: the call's end waits for the message, and the server's end for the call. This shuts down
// the socket under it.
//
// Thread-safety: immutable. Lifetime: a value; outlives the listening socket.
class AcceptedSockets {
 public:
  // `listening_fd` is open during the call.
  explicit AcceptedSockets(int listening_fd);

  // Shuts down (shutdown(2)) every connection of this process that was accepted there.
  void ShutDown() const;

 private:
  bool IsOurs(int fd) const;

  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

}  // namespace proctor::server
