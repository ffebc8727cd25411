#pragma once

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "core/process/process.h"
#include "proctor/error.h"
#include "server/call/refusals.h"
#include "server/call/rpc_caller.h"
#include "server/wire/status.h"

namespace proctor::server {

// A unary RPC without a reactor of its own. Made once for a call.
//
// Thread-safety: a copyable value. Lifetime: until it is answered.
class UnaryCall {
 public:
  // `rpc` is its name in the contract, which is that of the calling function where an override of
  // the service makes this.
  explicit UnaryCall(grpc::CallbackServerContext* context, const char* rpc = __builtin_FUNCTION())
      : context_(context), rpc_(rpc), reactor_(context->DefaultReactor()) {}

  // Answers, once: the call may be over when this returns.
  void Finish(const absl::Status& status) const {
    const grpc::Status end = wire::ToGrpc(status);
    Refusals::Get().Note(rpc_, end, [this] { return CallerName(*context_); });
    reactor_->Finish(end);
  }

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

 private:
  grpc::CallbackServerContext* context_;
  const char* rpc_;
  grpc::ServerUnaryReactor* reactor_;
};

// Answers a unary RPC at once.
inline grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                        const absl::Status& status,
                                        const char* rpc = __builtin_FUNCTION()) {
  const UnaryCall call(context, rpc);
  call.Finish(status);
  return call.reactor();
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
