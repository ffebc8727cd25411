#pragma once

#include <grpcpp/server_context.h>

#include <string>

namespace proctor::server {

// The name of an RPC's caller: the common name of its certificate, or else its address; for a call
// of the HTTP side, the name that the HTTP side gives. For records, not for decisions.
std::string CallerName(const grpc::ServerContextBase& context);

}  // namespace proctor::server
