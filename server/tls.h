#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "server/options.h"

namespace grpc {
class ServerCredentials;
}

namespace proctor::server {

// The credentials of TCP listeners: mutual TLS from the files that the options name,
// or plaintext with --insecure.
//
// The files are checked first, because gRPC would serve with a key that it cannot
// read, and only its clients would notice.
//
// Errors: FailedPrecondition naming the flag and what is wrong with its file.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeTcpCredentials(const Options& options);

}  // namespace proctor::server
