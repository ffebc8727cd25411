#pragma once

#include <grpcpp/server_context.h>

#include <string>

namespace proctor::server {

// The name of an RPC's caller: the common name of its certificate, or else its address; for a call
// of the HTTP side, the name that the HTTP side gives. For records, not for decisions.
std::string CallerName(const grpc::ServerContextBase& context);

// A call as people are told of it.
struct CallLabel {
  const char* rpc;     // its name in the contract; lives as long as the program
  std::string caller;  // CallerName

  CallLabel(const char* rpc, const grpc::ServerContextBase& context)
      : rpc(rpc), caller(CallerName(context)) {}

  std::string DebugString() const;  // "WaitProcess by NAME"
};

}  // namespace proctor::server
