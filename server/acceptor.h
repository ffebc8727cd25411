#pragma once

#include <memory>

#include "core/base/unique_fd.h"
#include "core/loop/event_loop.h"
#include "server/listen/listener.h"
#include "server/listen/silent_peers.h"

namespace grpc::experimental {
class ExternalConnectionAcceptor;
}

namespace proctor::server {

// Accepts the connections of one listener and hands them to gRPC. gRPC's own
// listeners stop for good when the process is out of descriptors (CVE-2023-4785);
// this one keeps a spare descriptor, with which it accepts and drops what cannot be
// served, and goes on.
//
// Thread-safety: none; the loop's thread, which is the main one.
// Lifetime: ends before the gRPC server; Start once.
class Acceptor {
 public:
  // `peers`, of the same thread, hears of each TCP connection, and outlives this.
  Acceptor(EventLoop* loop, std::unique_ptr<Listener> listener, SilentPeers* peers,
           std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Errors: as EventLoop::AddReader.
  absl::Status Start();

  const Listener& listener() const { return *listener_; }

 private:
  void OnReadable();
  void DropOne();

  EventLoop* const loop_;
  const std::unique_ptr<Listener> listener_;
  SilentPeers* const peers_;
  const std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  UniqueFd spare_;
};

}  // namespace proctor::server
