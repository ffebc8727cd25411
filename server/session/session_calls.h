#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "core/registry/session_registry.h"

namespace proctor::server {

// Makes the reactor of CloseSession, the RPC of SessionService that takes time. It deletes itself.
// `sessions` outlives it; `fill` makes its response from the closed session.
grpc::ServerUnaryReactor* NewCloseCall(SessionRegistry* sessions,
                                       grpc::CallbackServerContext* context,
                                       const std::string& session_id, const SessionClose& close,
                                       std::function<void(const SessionInfo&)> fill);

}  // namespace proctor::server
