#pragma once

#include <string>

#include "proctor/client/connect_options.h"
#include "proctor/client/error.h"

namespace proctor::client {

// Explains why a server could not be reached, and what the caller can do about it.
//
// Pure functions; thread-safe.

// For an error that IsUnreachable, of a client that was connected with `options`: a sentence with
// the likely cause, its reason in brackets, and the flag of proctor, or the command, that helps.
// gRPC gives causes only in words; the sentence repeats unknown ones.
//
// The reasons are NO_SERVER (nothing listens), NOT_PROCTORD (the listener does not speak gRPC),
// TLS_WANTED, TLS_UNWANTED, UNTRUSTED_CERTIFICATE, WRONG_SERVER_NAME, CERTIFICATE_REFUSED (the
// server wants another certificate of ours, or one at all), HOST_UNKNOWN and UNREACHABLE.
std::string ExplainUnreachable(const ConnectOptions& options, const absl::Status& error);

}  // namespace proctor::client
