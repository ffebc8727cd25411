#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "proctor/unique_fd.h"
#include "server/http/exchange.h"
#include "server/http/http_thread.h"
#include "server/listen/silent_peers.h"

namespace proctor::server::http {

// The limits of callers, in time and size.
struct HttpLimits {
  size_t connections = 512;  // a quarter of them without a token
  size_t of_peer = 512;      // of these, from one address
  size_t header_bytes = 8192;
  absl::Duration stranger_time = absl::Seconds(10);  // what a connection has to show the token
  size_t body_bytes = 256 * 1024;
  absl::Duration header_time = absl::Seconds(10);  // from the first byte to the last
  absl::Duration body_time = absl::Seconds(30);    // the same
  absl::Duration idle = absl::Seconds(60);         // between two requests
  absl::Duration stall = absl::Seconds(30);        // a write of which nothing is taken
  absl::Duration heartbeat = absl::Seconds(5);     // the silence of a stream
  absl::Duration last_words = absl::Seconds(2);    // what streams have at the end
  SilentPeers::Limits silent_peers = {};           // of a stream with a vanished peer
};

// One connection: reads a request, has it answered, and so on (RFC 9112). Only its .cc file knows
// Boost.Beast, which parses the requests; the answers are ours.
//
//   waiting ──bytes──▶ reading ──head──▶ answering ──▶ waiting       a body is read only where
//                                            │                       the answer asks for it
//                                            └──▶ closing: what the caller still sends is
//                                                    thrown away, lest a reset overtakes the
//                                                    answer (RFC 9112, 9.6)
//
// Beast takes 16 s to compile, so it is in no other file. What can be wrong without a socket
// (targets, access, frames, errors) is in files that know neither Beast nor gRPC.
//
// Until a request has shown the token (Keep), the connection lasts for `stranger_time`, whatever it
// does.
//
// Thread-safety: none; the http thread.
// Lifetime: keeps itself while it is open; `on_closed` is called once, at its end.
class Connection : public Exchange {
 public:
  struct Owner {
    // Answers the request, now or later.
    std::function<void(const Request&, std::shared_ptr<Exchange>)> answer;
    // Whether a connection may last after a request on it has shown the token.
    std::function<bool(Connection*)> keep;
    std::function<void(Connection*)> on_closed;
    std::string peer;  // Request::peer
  };

  static std::shared_ptr<Connection> Make(HttpThread* thread, const HttpLimits& limits,
                                          Owner owner);

  // Takes a connected socket. First, and once.
  virtual void Begin(UniqueFd fd) = 0;
  // Takes no further request; ends after the answer that is under way.
  virtual void Stop() = 0;
  // Ends now.
  virtual void Close() = 0;
};

}  // namespace proctor::server::http
