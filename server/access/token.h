#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace proctor::server::http {

// Returns the secret that programs show to the HTTP side: the content of the file at `path`. Makes
// the file when there is none: 128 random bits, with mode 0600. The file appears with its whole
// content, and two servers that start at once take the same.
//
// Errors, in words for the operator: FailedPrecondition when the file cannot be read or made, when
// others may read it (SECRET_EXPOSED), or when its content is no token (16 to 256 letters, digits,
// '-', '_').
absl::StatusOr<std::string> LoadOrMakeToken(const std::string& path);

}  // namespace proctor::server::http
