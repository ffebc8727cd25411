#include "server/call/rpc_caller.h"

#include <grpcpp/security/auth_context.h>

#include "absl/strings/str_cat.h"
#include "core/base/printable_text.h"

namespace proctor::server {

namespace {

// The peer that gRPC names for a call without a connection. Only the HTTP side can make one
// (InProcessChannel).
constexpr char kNoPeer[] = "unknown";

}  // namespace

std::string CallerName(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    const auto names = auth->FindPropertyValues("x509_common_name");
    if (!names.empty()) return std::string(names[0].data(), names[0].size());
  }
  std::string peer = context.peer();
  if (peer != kNoPeer) return peer;
  const auto named = context.client_metadata().find("proctor-caller");
  if (named == context.client_metadata().end()) return peer;
  return std::string(named->second.data(), named->second.size());
}

std::string CallLabel::DebugString() const { return absl::StrCat(rpc, " by ", Printable(caller)); }

}  // namespace proctor::server
