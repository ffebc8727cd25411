#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace grpc {

// Why a call failed: a gRPC status with its google.rpc.ErrorInfo unpacked.
//
// A value; safe to copy and share.
class Status;
}  // namespace grpc

namespace proctor::client {

struct Error {
  // kOk if nothing failed. The numbers of absl and gRPC are the same.
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message;
  // The ErrorInfo: empty where the error came without one, as those do that gRPC itself makes.
  std::string reason;
  std::string domain;
  std::map<std::string, std::string> metadata;

  bool ok() const { return code == absl::StatusCode::kOk; }
  // Whether the server refused with this reason.
  bool Is(std::string_view wanted) const { return !ok() && reason == wanted; }
  // Whether no server answered: gRPC's own UNAVAILABLE, and not the server's.
  bool IsUnreachable() const { return code == absl::StatusCode::kUnavailable && reason.empty(); }
  // Whether the server, or the way to it, was lost or is about to be: unreachable, or shutting
  // down. gRPC (1.51) answers a call that reaches a server in its last moments CANCELLED; so this
  // also holds of a call that the client itself has cancelled.
  bool IsLost() const {
    return IsUnreachable() || Is("SERVER_DRAINING") ||
           (code == absl::StatusCode::kCancelled && reason.empty());
  }

  // "message (REASON)", or "message (CODE)" without a reason; "OK".
  std::string ToString() const;
};

// Unpacks what the server sent. Details of other kinds, and malformed ones, are passed over: the
// code and the message stand without them.
Error ErrorFromGrpc(const grpc::Status& status);

}  // namespace proctor::client
