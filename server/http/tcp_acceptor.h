#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proctor/unique_fd.h"
#include "server/http/http_thread.h"
#include "server/listen/listener.h"

namespace proctor::server::http {

// Takes the connections of one listener. Without a free descriptor it can neither take a connection
// nor send it away. It then pauses for a moment, because the listener stays readable, and tries
// again.
//
// It uses accept4 and not Asio: processes that the server starts meanwhile would inherit Asio's
// sockets.
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
