#include "client/connection/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_interceptor.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/connection/endpoint.h"
#include "client/connection/unix_server.h"
#include "core/base/return_if_error.h"
#include "proctor/error.h"

namespace proctor::client {
namespace {

constexpr int kMaxMessageBytes = 16 << 20;

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  if (path.empty()) return std::string();
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  // An empty file sets failbit here, and is refused below like any other file without a PEM.
  content << file.rdbuf();
  if (!file) {
    return absl::InvalidArgumentError(
        absl::StrCat("read '", path, "': ", errno == 0 ? "cannot be read" : ErrnoText(errno)));
  }
  if (content.str().find("-----BEGIN ") == std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("read '", path, "': holds no PEM block"));
  }
  return content.str();
}

// As ssh(1) asks of keys: this user's own key is closed to all others. Another user, say root,
// guards its own.
absl::Status CheckIsPrivate(const char* what, const std::string& path) {
  struct stat info;
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      what, " '", path, "' can be read by others: chmod 600 '", path, "' (SECRET_EXPOSED)"));
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(const TlsFiles& tls) {
  if (tls.cert.empty() != tls.key.empty()) {
    return absl::InvalidArgumentError("a TLS certificate and its key go together");
  }
  RETURN_IF_ERROR(CheckIsPrivate("key", tls.key));
  grpc::SslCredentialsOptions ssl;
  const std::pair<const std::string&, std::string&> files[] = {
      {tls.ca, ssl.pem_root_certs}, {tls.cert, ssl.pem_cert_chain}, {tls.key, ssl.pem_private_key}};
  for (const auto& [path, pem] : files) {
    absl::StatusOr<std::string> content = ReadPem(path);
    if (!content.ok()) return content.status();
    pem = *std::move(content);
  }
  return grpc::SslCredentials(ssl);
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  RETURN_IF_ERROR(CheckIsPrivate("token", path));
  errno = 0;
  std::ifstream file(path);
  std::string token;
  if (!(file >> token)) {
    return absl::InvalidArgumentError(
        absl::StrCat("read '", path, "': ", errno == 0 ? "is empty" : ErrnoText(errno)));
  }
  return token;
}

// Shows a token with each call. gRPC's own credentials for a call do not go without TLS.
class TokenInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit TokenInterceptor(const std::string& token) : authorization_("Bearer " + token) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace("authorization", authorization_);
    }
    methods->Proceed();
  }

 private:
  const std::string authorization_;
};

class TokenInterceptorFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TokenInterceptorFactory(std::string token) : token_(std::move(token)) {}

  // gRPC owns what is returned.
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new TokenInterceptor(token_);
  }

 private:
  const std::string token_;
};

grpc::ChannelArguments Arguments(const Endpoint& endpoint, const TlsFiles& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // No service configuration is in the DNS for this.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // A server that is started again is found soon: gRPC's own pauses grow to two minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  if (!endpoint.is_unix) {
    // A peer that vanished without a FIN is noticed within a minute and a half. gRPC's probes allow
    // a minute of silence, and so does TCP, for which gRPC sets the same bound. TCP may not have
    // tried again by then, and a client that is slow to read answers probes late. A unix socket
    // needs none of this: the kernel reports the loss, and a server stopped in a debugger is not
    // gone.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 60'000);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  // gRPC would send even loopback traffic to $http_proxy.
  if (endpoint.is_loopback) arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!tls.server_name.empty()) arguments.SetSslTargetNameOverride(tls.server_name);
  return arguments;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(const ConnectOptions& options) {
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(options.host);
  if (!endpoint.ok()) return endpoint.status();
  if (!options.server_user.empty() && !endpoint->is_unix) {
    return absl::InvalidArgumentError(absl::StrCat(
        "host '", options.host, "' is no unix socket, of which alone a server's user is known"));
  }
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (options.tls.any()) {
    if (endpoint->is_unix) {
      return absl::InvalidArgumentError(
          absl::StrCat("host '", options.host, "' is a unix socket, which takes no TLS files"));
    }
    ASSIGN_OR_RETURN(auto tls, TlsCredentials(options.tls));
    credentials = std::move(tls);
  } else if (endpoint->is_unix || endpoint->is_loopback) {
    if (endpoint->is_unix) {
      std::optional<uid_t> also_trusted;
      if (!options.server_user.empty()) {
        const absl::StatusOr<uid_t> user = FindUser(options.server_user);
        if (!user.ok()) return user.status();
        also_trusted = *user;
      }
      RETURN_IF_ERROR(CheckUnixServer(endpoint->path, also_trusted));
    }
    credentials = grpc::InsecureChannelCredentials();
  } else {
    return absl::FailedPreconditionError(
        absl::StrCat("host '", options.host,
                     "' is not this machine, and without TLS everything would be readable and "
                     "changeable on the way"));
  }
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
  if (!options.token_file.empty()) {
    if (endpoint->is_unix) {
      return absl::InvalidArgumentError(
          absl::StrCat("host '", options.host, "' is a unix socket, which takes no token"));
    }
    ASSIGN_OR_RETURN(auto token, ReadToken(options.token_file));
    interceptors.push_back(std::make_unique<TokenInterceptorFactory>(std::move(token)));
  }
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      endpoint->target, credentials, Arguments(*endpoint, options.tls), std::move(interceptors));
}

}  // namespace proctor::client
