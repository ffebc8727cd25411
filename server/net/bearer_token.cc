#include "server/net/bearer_token.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <openssl/crypto.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "proctor/error.h"
#include "server/log/line_budget.h"
#include "server/wire/status.h"

namespace proctor::server {
namespace {

// Of the name of an RPC in the log, which its caller chooses.
constexpr size_t kMostPath = 100;

class TokenProcessor final : public grpc::AuthMetadataProcessor {
 public:
  explicit TokenProcessor(std::string token) : token_(std::move(token)) {}

  // Does not wait for anything: gRPC need not have a thread for it.
  bool IsBlocking() const override { return false; }

  // No service sees what is consumed here.
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext*, OutputMetadata* consumed,
                       OutputMetadata*) override {
    const auto found = metadata.find("authorization");
    if (found != metadata.end() && IsToken({found->second.data(), found->second.size()})) {
      consumed->emplace("authorization", std::string(found->second.data(), found->second.size()));
      return grpc::Status::OK;
    }
    NoteRefusal(metadata);
    return wire::ToGrpc(MakeError(absl::StatusCode::kUnauthenticated, Reason::kTokenRequired,
                                  "this server wants its token with each call: proctor "
                                  "--token-file=FILE, or 'authorization: Bearer TOKEN'"));
  }

 private:
  bool IsToken(absl::string_view authorization) const {
    constexpr absl::string_view kBearer = "bearer ";
    if (!absl::StartsWithIgnoreCase(authorization, kBearer)) return false;
    authorization.remove_prefix(kBearer.size());
    return authorization.size() == token_.size() &&
           ::CRYPTO_memcmp(authorization.data(), token_.data(), token_.size()) == 0;
  }

  // No service sees this call. gRPC does not say its peer here.
  void NoteRefusal(const InputMetadata& metadata) {
    const auto untold = budget_.Take(absl::Now());
    if (!untold.has_value()) return;
    const auto path = metadata.find(":path");
    const absl::string_view rpc =
        path == metadata.end() ? "" : absl::string_view(path->second.data(), path->second.size());
    spdlog::warn("call refused rpc=\"{}\" code=UNAUTHENTICATED reason=TOKEN_REQUIRED{}",
                 absl::CEscape(rpc.substr(0, kMostPath)), UntoldText(*untold));
  }

  const std::string token_;
  LineBudget budget_;
};

}  // namespace

// gRPC's credentials without TLS take no processor; those for connections within a machine do, and
// put nothing on the wire.
std::shared_ptr<grpc::ServerCredentials> BearerTokenCredentials(std::string token) {
  auto credentials = grpc::experimental::LocalServerCredentials(LOCAL_TCP);
  credentials->SetAuthMetadataProcessor(std::make_shared<TokenProcessor>(std::move(token)));
  return credentials;
}

}  // namespace proctor::server
