#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "server/access/access_control.h"
#include "server/gateway/actions.h"
#include "server/gateway/resources.h"
#include "server/gateway/streams.h"
#include "server/http/exchange.h"

namespace proctor::server::http {

// Answers each path. AccessControl decides first whether the request may pass.
//
//   /healthz /readyz /metrics       plain text
//   /login /logout                  by POST: a browser's login (AccessControl)
//   /v1/server, /v1/state
//   /v1/sessions[/ID]               JSON of one call (Resources)
//   /v1/processes[/ID]
//   /v1/usage
//   /v1/processes/ID:VERB           by POST: what acts on a process (Actions)
//   /v1/login                       whether the caller may act
//   /v1/processes/ID/output         Server-Sent Events (Streams)
//   /v1/events
//   / and all else                  the dashboard's files
//
// Thread-safety: none; the http thread. Lifetime: outlives the calls that it begins; `logins`
// outlives it.
class Gateway {
 public:
  struct Sources {
    std::shared_ptr<grpc::Channel> channel;
    std::function<std::string()> metrics;  // of Prometheus, as text
    std::function<absl::Status()> ready;   // why the server takes no work
  };

  Gateway(HttpThread* thread, CallSet* calls, AccessControl::Options access, Logins* logins,
          Sources sources);

  void Handle(const Request& request, std::shared_ptr<Exchange> answer);

 private:
  void Route(const Request& request, const RequestTarget& target, std::shared_ptr<Exchange> answer);
  Response TellLogin(const std::optional<Logins::Id>& login) const;
  bool RoutePlain(const RequestTarget& target, const std::shared_ptr<Exchange>& answer);
  bool RouteApi(const Request& request, const RequestTarget& target,
                const std::shared_ptr<Exchange>& answer);

  Logins* const logins_;
  const AccessControl access_;
  const Sources sources_;
  Resources resources_;
  Actions actions_;
  Streams streams_;
};

}  // namespace proctor::server::http
