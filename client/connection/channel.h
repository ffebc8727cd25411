#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "proctor/client/connect_options.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace proctor::client {

// Makes the gRPC channel that a client talks through: reads the TLS files and checks the owner of a
// unix socket (unix_server.h). The channel connects when the first call needs it, and again after a
// loss. Thread-safe.
//
// Errors: INVALID_ARGUMENT for a malformed host, an incomplete or needless choice of TLS files,
// or a file that cannot be read; FAILED_PRECONDITION for plaintext to a host that is not this
// machine, a unix socket of another user, a path that is no socket, or a key that others may read.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectOptions& options);

}  // namespace proctor::client
