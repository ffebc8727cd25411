#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/access/access_control.h"
#include "server/access/logins.h"
#include "server/http/connection.h"
#include "server/listen/listener_load.h"

namespace grpc {
class Channel;
}

namespace proctor::server::http {

struct HttpOptions {
  std::string host;   // a name or an address to listen on: "127.0.0.1", "::1", "localhost"
  uint16_t port = 0;  // 0 lets the kernel choose
  std::vector<std::string> allowed_hosts;  // other names by which callers may know the server
  std::string token;                       // what programs show; "" lets in none
  std::string metrics_token;               // what Prometheus shows for /metrics; "" lets in none
  HttpActions actions = HttpActions::kLogin;
  HttpLimits limits = {};
  // The connections that it has accepted and refused; any thread may read it.
  std::shared_ptr<ListenerLoad> load = std::make_shared<ListenerLoad>("http");
};

// The HTTP side of the server: a gateway for browsers, curl and Prometheus to the services of
// proctor.v1. It calls them as any client does, through `channel`.
//
//   Start ──▶ serving ──Stop──▶ ended
//
// EventLog ▶ WatchEvents ▶ StreamRelay ▶ JSON, rendered once for all ▶ Viewer ▶ socket
//
// So this side has the errors, filters, pages and resume tokens of the contract without a second
// implementation, and it includes what a client may. Rejected: to read sessions and the event log
// directly. That saves some 50 µs an event, and has to enter every strand of the server.
//
// The end, in order: Listeners close. Connections that wait for a request close. Streams have
// `limits.last_words` to end by themselves, as they do when the services end them. The rest get the
// frame "end", and their calls are cancelled. gRPC lets go of each call. The thread is joined.
//
// Thread-safety: Start, Stop and the destructor by one owner; the rest from any thread.
// `metrics` and `ready` are called on the http thread and must not block.
// Lifetime: the destructor stops it. The server behind `channel`, and `logins`, outlive it.
class HttpServer {
 public:
  // Errors, in words for the operator: FailedPrecondition for an address other than loopback
  // without allowed_hosts, or that cannot be resolved; Unavailable for what the system calls say;
  // ResourceExhausted where no thread can be had.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpOptions options, Logins* logins,
                                                           std::shared_ptr<grpc::Channel> channel,
                                                           std::function<std::string()> metrics,
                                                           std::function<absl::Status()> ready);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void Stop();

  uint16_t port() const { return port_; }
  // As bound: "127.0.0.1:7878".
  const std::string& address() const { return address_; }
  // Where a browser finds it: "http://127.0.0.1:7878/". The first of allowed_hosts stands in place
  // of a wildcard address.
  std::string site() const;

 private:
  struct Parts;

  HttpServer(HttpOptions options, std::string address, uint16_t port);

  const HttpOptions options_;
  const std::string address_;
  const uint16_t port_;
  std::unique_ptr<Parts> parts_;  // null once stopped
};

}  // namespace proctor::server::http
