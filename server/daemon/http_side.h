#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/access/logins.h"
#include "server/gateway/http_server.h"
#include "server/listen/listener_load.h"
#include "server/options/options.h"

namespace proctor::server {

// The parts of the server that the HTTP side uses. It is a client like any other, but without a
// wire.
struct HttpParts {
  std::shared_ptr<grpc::Channel> channel;
  http::Logins* logins;
  std::shared_ptr<ListenerLoad> load;
  std::function<std::string()> metrics;
  std::function<absl::Status()> ready;
};

// Starts the HTTP side at `options.http`, which is set.
// Errors: those of the tokens' files and of the listener; FailedPrecondition when both tokens are
// the same.
absl::StatusOr<std::unique_ptr<http::HttpServer>> StartHttp(const Options& options,
                                                            HttpParts parts);

}  // namespace proctor::server
