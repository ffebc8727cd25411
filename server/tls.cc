#include "server/tls.h"

#include <grpcpp/security/server_credentials.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"

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

absl::Status CheckFiles(const Options& options) {
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context(::SSL_CTX_new(::TLS_server_method()),
                                                              &::SSL_CTX_free);
  if (context == nullptr) return absl::InternalError("OpenSSL gives no context");
  if (::SSL_CTX_use_certificate_chain_file(context.get(), options.tls_cert.c_str()) != 1) {
    return BadFile("tls-cert", options.tls_cert);
  }
  if (::SSL_CTX_use_PrivateKey_file(context.get(), options.tls_key.c_str(), SSL_FILETYPE_PEM) !=
          1 ||
      ::SSL_CTX_check_private_key(context.get()) != 1) {
    return BadFile("tls-key", options.tls_key);
  }
  if (::SSL_CTX_load_verify_locations(context.get(), options.tls_client_ca.c_str(), nullptr) != 1) {
    return BadFile("tls-client-ca", options.tls_client_ca);
  }
  return absl::OkStatus();
}

std::string ReadAll(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeTcpCredentials(
    const Options& options) {
  if (options.insecure) return grpc::InsecureServerCredentials();
  if (absl::Status status = CheckFiles(options); !status.ok()) return status;
  grpc::SslServerCredentialsOptions ssl(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  ssl.pem_root_certs = ReadAll(options.tls_client_ca);
  ssl.pem_key_cert_pairs.push_back({ReadAll(options.tls_key), ReadAll(options.tls_cert)});
  return grpc::SslServerCredentials(ssl);
}

}  // namespace proctor::server
