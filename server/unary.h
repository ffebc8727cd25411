#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>

#include "absl/status/status.h"
#include "server/wire/status.h"

namespace proctor::server {

// Answers a unary RPC at once.
inline grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context,
                                        const absl::Status& status) {
  auto* reactor = context->DefaultReactor();
  reactor->Finish(wire::ToGrpc(status));
  return reactor;
}

// Answers an RPC of a later version.
inline grpc::ServerUnaryReactor* AnswerNotImplemented(grpc::CallbackServerContext* context,
                                                      std::string_view method) {
  return Answer(context, wire::NotImplemented("method", method));
}

}  // namespace proctor::server
