#include "server/net/bearer_token.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <openssl/crypto.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "proctor/error.h"
#include "server/wire/status.h"

namespace proctor::server {
namespace {

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

  const std::string token_;
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
