#include "server/daemon/http_side.h"

#include <algorithm>
#include <utility>

#include "server/daemon/state_directory.h"

namespace proctor::server {

absl::StatusOr<std::unique_ptr<http::HttpServer>> StartHttp(const Options& options,
                                                            HttpParts parts) {
  auto token = LoadToken(options, options.http_token_file, "http-token");
  if (!token.ok()) return token.status();
  auto metrics_token = LoadToken(options, options.metrics_token_file, "metrics-token");
  if (!metrics_token.ok()) return metrics_token.status();
  if (*metrics_token == *token && !token->empty()) {
    return absl::FailedPreconditionError(
        "--metrics-token-file: the token of --http-token-file, which opens everything; make it "
        "another one");
  }
  http::HttpLimits limits;
  limits.connections = std::min(limits.connections, options.connections.connections);
  limits.of_peer = options.connections.of_peer;
  limits.stranger_time = options.handshake_timeout;
  return http::HttpServer::Start({.host = options.http->host,
                                  .port = options.http->port,
                                  .allowed_hosts = options.http_hosts,
                                  .token = *std::move(token),
                                  .metrics_token = *std::move(metrics_token),
                                  .actions = options.http_actions,
                                  .limits = limits,
                                  .load = std::move(parts.load)},
                                 parts.logins, std::move(parts.channel), std::move(parts.metrics),
                                 std::move(parts.ready));
}

}  // namespace proctor::server
