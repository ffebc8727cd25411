#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "core/registry/session_registry.h"

namespace proctor::server {

// The RPC of SessionService that takes time. Makes the reactor of the call, which deletes
// itself. `sessions` outlives it; `fill` makes its response of the session, closed.
grpc::ServerUnaryReactor* NewCloseCall(SessionRegistry* sessions, const std::string& session_id,
                                       const SessionClose& close,
                                       std::function<void(const SessionInfo&)> fill);

}  // namespace proctor::server
