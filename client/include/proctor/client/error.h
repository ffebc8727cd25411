#pragma once

#include <string>

#include "absl/status/status.h"

namespace grpc {
class Status;
}  // namespace grpc

namespace proctor::client {

// Why a call failed: an absl::Status with the reason and the variables of the google.rpc.ErrorInfo
// that the server sent, as proctor/error.h reads them (ReasonOf, ErrorReason, ErrorVariables). An
// error that gRPC itself made has no reason.
//
// Pure functions; thread-safe.

// Unpacks what the server sent. Details of other kinds, and malformed ones, are passed over: the
// code and the message stand without them.
absl::Status StatusFromGrpc(const grpc::Status& status);

// Whether no server answered: UNAVAILABLE of gRPC's own, and not of the server.
bool IsUnreachable(const absl::Status& status);

// Whether the server, or the way to it, was lost or is about to be: unreachable, or shutting down.
// gRPC (1.51) answers a call that reaches a server in its last moments CANCELLED; so this also
// holds of a call that the client itself has cancelled.
bool IsLost(const absl::Status& status);

// "message (REASON)", or "message (CODE)" without a reason; "OK".
std::string ErrorText(const absl::Status& status);

}  // namespace proctor::client
