#pragma once

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "core/process/process.h"
#include "proctor/error.h"
#include "server/wire/status.h"

namespace proctor::server {

// Answers a unary RPC at once.
inline grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                        const absl::Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(wire::ToGrpc(status));
  return reactor;
}

// The error when a request needs the session of a process, and the session is closed.
inline absl::Status ClosedSessionError(const ProcessInfo& info) {
  const char* why = info.lost() ? "': it was lost with its server, and its output with it"
                                : "': its session is closed, and its output gone";
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kSessionClosed,
                   "process '" + info.id + why,
                   {{"process_id", info.id}, {"session_id", info.session_id}});
}

// The same for a request about its descendants, which only the session knew.
inline absl::Status UnknownDescendantsError(const ProcessInfo& info) {
  const char* why = info.lost() ? "': it was lost with its server" : "': its session is closed";
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kSessionClosed,
                   "process '" + info.id + why + ", and what may run on of it is not known",
                   {{"process_id", info.id}, {"session_id", info.session_id}});
}

}  // namespace proctor::server
