#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

namespace proctor::server {

// Credentials for plaintext on loopback. Each call shows `token` as "authorization: Bearer TOKEN";
// any other is answered UNAUTHENTICATED (TOKEN_REQUIRED), before anything else is checked. Without
// it every user of the machine could call, and so could a web page that makes a browser send to a
// port of this machine.
//
// Thread-safety: any thread. Lifetime: as gRPC wants of credentials.
std::shared_ptr<grpc::ServerCredentials> BearerTokenCredentials(std::string token);

}  // namespace proctor::server
