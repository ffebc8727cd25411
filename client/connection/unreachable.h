#pragma once

#include <string>

#include "client/connection/connect_options.h"
#include "client/connection/error.h"

namespace proctor::client {

// Why a server could not be reached, and what its caller can do about it.
//
// Pure functions; thread-safe.

// For an error that IsUnreachable, of a client that was connected with `options`: a sentence with
// the likely cause, its reason in brackets, and the flag of proctor, or the command, that helps.
// gRPC tells causes in words only; where they are not known, the sentence has the words of gRPC.
//
// The reasons are NO_SERVER (nobody listens), NOT_PROCTORD (what listens does not speak gRPC),
// TLS_WANTED, TLS_UNWANTED, UNTRUSTED_CERTIFICATE, WRONG_SERVER_NAME, CERTIFICATE_REFUSED (the
// server wants another certificate of ours, or one at all), HOST_UNKNOWN and UNREACHABLE.
std::string ExplainUnreachable(const ConnectOptions& options, const absl::Status& error);

}  // namespace proctor::client
