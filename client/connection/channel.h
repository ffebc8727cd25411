#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "client/connection/connect_options.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace proctor::client {

// Makes the gRPC channel that a client talks through.
//
// Thread-safe. The channel connects when the first call needs it, and again after a loss.
//
// Reads the TLS files, looks at whose a unix socket is (unix_server.h), and makes a channel; calls
// nobody yet. INVALID_ARGUMENT for a malformed host, an incomplete or needless choice of TLS files,
// or a file that cannot be read; FAILED_PRECONDITION for plaintext to a host that is not this
// machine, a unix socket of somebody else's or that is none, or a key that others may read.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectOptions& options);

}  // namespace proctor::client
