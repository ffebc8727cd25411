#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

namespace proctor::server {

// Credentials for plaintext on loopback: whoever calls shows `token`, with each call, as
// "authorization: Bearer TOKEN"; all others are answered UNAUTHENTICATED (TOKEN_REQUIRED), before
// anything else is looked at. Without it everybody on the machine could call, by whatever user,
// and so could a page in a browser that is made to send to a port of this machine.
//
// Thread-safety: any thread. Lifetime: as gRPC wants of credentials.
std::shared_ptr<grpc::ServerCredentials> BearerTokenCredentials(std::string token);

}  // namespace proctor::server
