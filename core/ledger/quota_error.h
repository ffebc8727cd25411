#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace proctor {

// The error of a request for more than is allowed: ResourceExhausted (QUOTA_EXCEEDED) with `quota`,
// `limit` and `used`. `wanted` says what could not be done. A pure function.
absl::Status QuotaError(std::string_view wanted, std::string_view quota, uint64_t limit,
                        uint64_t used);

}  // namespace proctor
