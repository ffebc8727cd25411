#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "proctor/error.h"

namespace proctor::server {

// Checks a caller's request_id; an empty one is none. A pure function.
// Errors: InvalidArgument (INVALID_FIELD) naming `field`.
inline absl::Status CheckRequestId(const std::string& request_id, std::string_view field) {
  constexpr size_t kMostBytes = 128;
  if (request_id.size() <= kMostBytes) return absl::OkStatus();
  return InvalidField(field, "has more than 128 bytes");
}

}  // namespace proctor::server
