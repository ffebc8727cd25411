#pragma once

#include <grpcpp/server_context.h>

#include <string>

namespace proctor::server {

// The caller of an RPC as the server knows it: the common name of its certificate,
// or else its address; of a call of the HTTP side whom that names. For records, not for decisions.
std::string CallerName(const grpc::ServerContextBase& context);

}  // namespace proctor::server
