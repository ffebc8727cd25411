#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace grpc {
class Status;
}

namespace proctor::server::http {

// Turns errors of gRPC into errors of HTTP. In between they are as in the core: an absl::Status
// with a reason and variables (proctor/error.h).
//
// Thread-safety: pure functions.

// Returns the status of a call. An error without an ErrorInfo, such as gRPC's own, has its code's
// name as the reason.
absl::Status FromGrpc(const grpc::Status& status);

// Returns the HTTP status that means the same.
int HttpStatusOf(absl::StatusCode code);

// {"error":{"code":"NOT_FOUND","reason":"...","message":"...","metadata":{...}}}
std::string ErrorJson(const absl::Status& status);

// Returns the whole answer. `http_status` replaces the status of the code, unless it is 0.
Response ErrorResponse(const absl::Status& status, int http_status = 0);

}  // namespace proctor::server::http
