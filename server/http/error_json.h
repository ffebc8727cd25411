#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace grpc {
class Status;
}

namespace proctor::server::http {

// Errors on their way from gRPC to HTTP. Between the two they are what they are in the
// core: an absl::Status with a reason and variables (core/base/error.h).
//
// Thread-safety: pure functions.

// The status of a call. What came without an ErrorInfo, as gRPC's own errors do, has its
// code's name as the reason.
absl::Status FromGrpc(const grpc::Status& status);

// The HTTP status that says the same.
int HttpStatusOf(absl::StatusCode code);

// {"error":{"code":"NOT_FOUND","reason":"...","message":"...","metadata":{...}}}
std::string ErrorJson(const absl::Status& status);

// The whole answer; `http_status` where the code alone does not tell it.
Response ErrorResponse(const absl::Status& status, int http_status = 0);

}  // namespace proctor::server::http
