#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace proctor::client {

// The address of a server, as users write it and as gRPC takes it.
//
// Values and pure functions; thread-safe.

struct Endpoint {
  // A unix socket, and not TCP.
  bool is_unix = false;
  // The path of a unix socket.
  std::string path;
  // TCP that does not leave this machine.
  bool is_loopback = false;
  // The gRPC target.
  std::string target;
};

// Takes `host` apart: `unix:PATH`, or `HOST:PORT` with an IPv6 address in brackets.
// INVALID_ARGUMENT when it is neither; the message says what is wrong.
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view host);

}  // namespace proctor::client
