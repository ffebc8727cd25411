#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace proctor::wire {

// Returns the gRPC status of an error of the core: the same code and message, and one
// google.rpc.ErrorInfo (domain "proctor") with its reason and variables in
// `grpc-status-details-bin`. An error without a reason gets its code's name.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace proctor::wire
