#pragma once

#include <memory>

#include "proctor/event_loop.h"
#include "proctor/unique_fd.h"
#include "server/listen/connection_gate.h"
#include "server/listen/listener.h"
#include "server/listen/listener_load.h"
#include "server/listen/silent_peers.h"
#include "server/net/greedy_peers.h"
#include "server/net/handover.h"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}

namespace proctor::server {

// Accepts the connections of one listener and hands them to gRPC. gRPC's own
// listeners stop for good when the process is out of descriptors (CVE-2023-4785);
// this one keeps a spare descriptor, with which it accepts and drops what cannot be
// served, and goes on.
//
// Connections of TCP are bounded, and leave a reserve of descriptors (ConnectionGate): one that may
// not stay is reset at once. Those of a unix socket are the operator's, and have no bound.
//
// accept ▶ ConnectionGate: descriptors left? listener full? peer full? ─no─▶ reset, counted, logged
//             │ yes
//             ▼
//          Handover ▶ gRPC: TLS and HTTP/2, --handshake-timeout for both
//
// Thread-safety: none; the loop's thread, which is the main one.
// Lifetime: ends before the gRPC server; Start once.
class Acceptor {
 public:
  // What takes connections of TCP. `silent` and `greedy` are of the loop's thread; the first
  // outlives this, the second looks at no connection once this has gone.
  struct TcpParts {
    SilentPeers* silent;
    GreedyPeers* greedy;
    Handover* handover;
  };

  Acceptor(EventLoop* loop, std::unique_ptr<Listener> listener, const ConnectionLimits& limits,
           const TcpParts& tcp,
           std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> connections);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Errors: as EventLoop::AddReader.
  absl::Status Start();

  // Gives back the room of connections that have ended. Call now and then.
  void ForgetClosed();

  const Listener& listener() const { return *listener_; }
  // From any thread.
  const ListenerLoad& load() const { return load_; }

 private:
  void OnReadable();
  bool Admit(int fd, const sockaddr_storage& peer);
  void DropOne();

  EventLoop* const loop_;
  const std::unique_ptr<Listener> listener_;
  ListenerLoad load_;
  ConnectionGate gate_;
  const TcpParts tcp_;
  const std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  UniqueFd spare_;
};

}  // namespace proctor::server
