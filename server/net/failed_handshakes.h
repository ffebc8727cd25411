#pragma once

#include <string>

namespace proctor::server {

// Logs each failed TLS handshake, with its peer and its cause, within a LineBudget. Causes: a
// certificate that is refused or not shown, no TLS at all, no HTTP/2, or a peer that left.
//
// gRPC (1.51) reports none of them, and knows them without their peer. It makes their SSL objects
// within HandleNewConnection, on the caller's thread, and OpenSSL calls us when an SSL object of
// the process is made and freed:
//
//     our thread    { HandshakePeer   HandleNewConnection ─▶ SSL_new ─▶ remembers the peer }
//     gRPC's thread   messages, alerts ─▶ noted      SSL_free ─▶ not done? a line
//
// Logs nothing when gRPC contains an OpenSSL of its own.

// Call once, before the first handshake.
void WatchHandshakes();

// Names the peer of handshakes that begin on this thread while it lives.
//
// Thread-safety: of one thread. Lifetime: within a block; not one within another.
class HandshakePeer {
 public:
  explicit HandshakePeer(std::string peer);
  ~HandshakePeer();
  HandshakePeer(const HandshakePeer&) = delete;
  HandshakePeer& operator=(const HandshakePeer&) = delete;
};

}  // namespace proctor::server
