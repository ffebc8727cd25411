#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/unique_fd.h"
#include "server/http/http_thread.h"
#include "server/listen/listener.h"

namespace proctor::server::http {

// Takes the connections of one listener. Where the process is out of descriptors, a
// connection can neither be taken nor sent away: the acceptor looks away for a moment,
// because the listener stays readable, and comes back.
//
// Sockets are made with accept4 and not by Asio, whose sockets every process that the
// server starts meanwhile would inherit.
//
// Thread-safety: none; the http thread, but for Start. Lifetime: stops when it goes.
class TcpAcceptor {
 public:
  using Accepted = std::function<void(UniqueFd)>;

  TcpAcceptor(HttpThread* thread, std::unique_ptr<Listener> listener, Accepted accepted);
  ~TcpAcceptor();
  TcpAcceptor(const TcpAcceptor&) = delete;
  TcpAcceptor& operator=(const TcpAcceptor&) = delete;

  // Once; from any thread. Errors: Internal, of epoll_ctl(2).
  absl::Status Start();

  const Listener& listener() const { return *listener_; }

 private:
  struct Wait;  // what knows Asio

  void Accept();

  const std::unique_ptr<Listener> listener_;
  const Accepted accepted_;
  Timer pause_;
  bool paused_ = false;
  const std::shared_ptr<Wait> wait_;
};

}  // namespace proctor::server::http
