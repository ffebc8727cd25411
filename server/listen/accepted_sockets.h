#pragma once

#include <sys/socket.h>

namespace proctor::server {

// The connections that were accepted at an address, whoever owns them now.
//
// gRPC (1.51) cannot end a call whose message waits for a full socket, as that of a client which
// was stopped: the call's end waits for the message, and the server's end for the call. What
// helps is to shut down the socket under it.
//
// Thread-safety: immutable. Lifetime: a value; outlives the listening socket.
class AcceptedSockets {
 public:
  // Of a listening socket, which is open now.
  explicit AcceptedSockets(int listening_fd);

  // Shuts down (shutdown(2)) every connection of this process that was accepted there.
  void ShutDown() const;

 private:
  bool IsOurs(int fd) const;

  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

}  // namespace proctor::server
