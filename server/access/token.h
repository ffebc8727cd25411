#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace proctor::server::http {

// A secret that programs show to the HTTP side: what is in the file at `path`, or, where
// there is none, a new one of 128 random bits that is written there with mode 0600. The
// file appears with its whole content, and two servers that start at once take the same.
//
// Errors, in words for whoever started the server: FailedPrecondition for a file that
// cannot be read or made, that others may read (SECRET_EXPOSED), or whose content is no token (16
// to 256 letters, digits, '-', '_').
absl::StatusOr<std::string> LoadOrMakeToken(const std::string& path);

}  // namespace proctor::server::http
