#include "server/net/tcp_credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/private_path.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"
#include "proctor/unique_fd.h"
#include "server/access/token.h"
#include "server/net/bearer_token.h"
#include "server/net/failed_handshakes.h"

namespace proctor::server {
namespace {

absl::Status BadFile(const char* flag, const std::string& file) {
  char reason[256] = "unreadable";
  if (const unsigned long error = ::ERR_get_error(); error != 0) {
    ::ERR_error_string_n(error, reason, sizeof reason);
  }
  ::ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat("--", flag, "=", file, ": ", reason));
}

// The key by which the server is known is closed to others, as ssh(1) asks of keys.
absl::Status CheckKeyIsPrivate(const std::string& file) {
  const UniqueFd key(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!key)
    return absl::FailedPreconditionError(absl::StrCat("--tls-key=", file, ": ", ErrnoText(errno)));
  return CheckSecretFile(key.get(), file);
}

absl::Status CheckFiles(const TlsOptions& options) {
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context(::SSL_CTX_new(::TLS_server_method()),
                                                              &::SSL_CTX_free);
  if (context == nullptr) return absl::InternalError("OpenSSL gives no context");
  if (::SSL_CTX_use_certificate_chain_file(context.get(), options.cert.c_str()) != 1) {
    return BadFile("tls-cert", options.cert);
  }
  RETURN_IF_ERROR(CheckKeyIsPrivate(options.key));
  if (::SSL_CTX_use_PrivateKey_file(context.get(), options.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context.get()) != 1) {
    return BadFile("tls-key", options.key);
  }
  if (::SSL_CTX_load_verify_locations(context.get(), options.client_ca.c_str(), nullptr) != 1) {
    return BadFile("tls-client-ca", options.client_ca);
  }
  return absl::OkStatus();
}

std::string ReadAll(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

struct Pem {
  std::string client_ca;
  std::string key;
  std::string cert;
};

}  // namespace

// The content of the files when they were last good.
class TcpCredentials::Current {
 public:
  void Set(Pem pem) {
    absl::MutexLock lock(&mutex_);
    pem_ = std::move(pem);
    ++generation_;
  }

  // Returns null when `*seen` is in force; else the new files, which the caller owns, and moves
  // `*seen` on.
  grpc_ssl_server_certificate_config* TakeNews(uint64_t* seen) {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(*seen, generation_) == generation_) return nullptr;
    const grpc_ssl_pem_key_cert_pair pair = {pem_.key.c_str(), pem_.cert.c_str()};
    return ::grpc_ssl_server_certificate_config_create(pem_.client_ca.c_str(), &pair, 1);
  }

 private:
  absl::Mutex mutex_;
  Pem pem_ ABSL_GUARDED_BY(mutex_);
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
};

// gRPC's own C++ credentials for a server keep their certificates for ever (SslServerCredentials)
// or watch the files, and may read half of a pair (FileWatcherCertificateProvider). Its C interface
// asks at each handshake. Each listener must get each change once, so each has credentials of its
// own.
class TcpCredentials::Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(std::shared_ptr<Current> current) : current_(std::move(current)) {}

  // Only its certificate identifies a caller.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  struct Listener {
    Current* current;
    uint64_t seen = 0;
  };

  int AddPortToServer(const std::string& address, grpc_server* server) override {
    Listener* const listener =
        listeners_.emplace_back(std::make_unique<Listener>(Listener{current_.get()})).get();
    grpc_server_credentials* const made = ::grpc_ssl_server_credentials_create_with_options(
        ::grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, Fetch, listener));
    const int port = ::grpc_server_add_http2_port(server, address.c_str(), made);
    ::grpc_server_credentials_release(made);
    return port;
  }

  // gRPC holds a lock of the listener's meanwhile.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* user_data, grpc_ssl_server_certificate_config** config) {
    auto* const listener = static_cast<Listener*>(user_data);
    *config = listener->current->TakeNews(&listener->seen);
    return *config == nullptr ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED
                              : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<Current> current_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

TcpCredentials::TcpCredentials(const TlsOptions& options) : options_(options) {}

TcpCredentials::~TcpCredentials() = default;

absl::StatusOr<std::unique_ptr<TcpCredentials>> TcpCredentials::Load(const TlsOptions& options) {
  std::unique_ptr<TcpCredentials> files(new TcpCredentials(options));
  if (!files->any()) {
    if (options.token_file.empty()) return files;  // no call needs one
    ASSIGN_OR_RETURN(auto token, http::LoadOrMakeToken(options.token_file));
    files->credentials_ = BearerTokenCredentials(std::move(token));
    return files;
  }
  WatchHandshakes();
  files->current_ = std::make_shared<Current>();
  RETURN_IF_ERROR(files->Reload());
  files->credentials_ = std::make_shared<Credentials>(files->current_);
  return files;
}

bool TcpCredentials::any() const { return !options_.cert.empty(); }

absl::Status TcpCredentials::Reload() {
  if (!any()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckFiles(options_));
  current_->Set({ReadAll(options_.client_ca), ReadAll(options_.key), ReadAll(options_.cert)});
  return absl::OkStatus();
}

}  // namespace proctor::server
