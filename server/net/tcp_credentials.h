#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grpc {
class ServerCredentials;
}

namespace proctor::server {

// The files that secure the TCP listeners. A value.
struct TlsOptions {
  std::string cert;  // files; all empty: plaintext
  std::string key;
  std::string client_ca;
  std::string token_file;  // of plaintext; empty: there is no TCP listener that needs one
};

// The credentials of TCP listeners: mutual TLS from the files that the options name, or plaintext
// with a token (bearer_token.h) with --insecure.
//
// The files are checked before they are used, because gRPC would serve with a key that it cannot
// read, and only its clients would notice.
//
// Thread-safety: Reload from any thread. Lifetime: outlives the gRPC server that serves with its
// credentials: handshakes ask it for the files in force.
class TcpCredentials {
 public:
  // Errors: FailedPrecondition naming the flag and what is wrong with its file, also for a key that
  // others may read (SECRET_EXPOSED); those of LoadOrMakeToken for the token's file.
  static absl::StatusOr<std::unique_ptr<TcpCredentials>> Load(const TlsOptions& options);
  ~TcpCredentials();

  // For any number of listeners.
  const std::shared_ptr<grpc::ServerCredentials>& credentials() const { return credentials_; }

  // Whether there are files; false for plaintext.
  bool any() const;

  // Reads the files again, for the handshakes from now on; open connections stay. Errors: those of
  // Load; what was in force stays so.
  absl::Status Reload();

 private:
  class Current;
  class Credentials;

  explicit TcpCredentials(const TlsOptions& options);

  const TlsOptions options_;
  std::shared_ptr<Current> current_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
};

}  // namespace proctor::server
