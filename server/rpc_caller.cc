#include "server/rpc_caller.h"

#include <grpcpp/security/auth_context.h>

namespace proctor::server {

std::string CallerName(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    const auto names = auth->FindPropertyValues("x509_common_name");
    if (!names.empty()) return std::string(names[0].data(), names[0].size());
  }
  return context.peer();
}

}  // namespace proctor::server
