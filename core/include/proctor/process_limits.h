#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace proctor {

// One resource limit, as in setrlimit(2). A value.
struct ResourceLimit {
  std::string resource;          // "nofile", "as" and so on
  std::optional<uint64_t> soft;  // empty: unlimited
  std::optional<uint64_t> hard;  // empty: unlimited

  bool operator==(const ResourceLimit&) const = default;
};

// Limits that a control group keeps for a whole tree; zero or empty means none. A value.
struct CgroupLimits {
  uint64_t memory_bytes = 0;
  double cpus = 0;
  uint64_t pids = 0;
  std::optional<uint64_t> swap_bytes;
  uint32_t io_weight = 0;

  bool any() const { return *this != CgroupLimits{}; }
  bool operator==(const CgroupLimits&) const = default;
};

// The number of a limit by its name in lower case, RLIMIT_NOFILE of "nofile"; nothing for a
// name that this platform does not know. A pure function.
std::optional<int> ResourceNumber(std::string_view name);

// Checks what a caller can get wrong.
// Errors: InvalidArgument (INVALID_FIELD) for an unknown name or one named twice, and for a soft
// limit above its hard one. `field` is the limit and its member: "[1].soft".
absl::Status ValidateResourceLimits(const std::vector<ResourceLimit>& limits);

// The same for these limits.
// Errors: InvalidArgument (INVALID_FIELD) for a value that the kernel would not take. `field` is
// the member: "cpus".
absl::Status ValidateCgroupLimits(const CgroupLimits& limits);

}  // namespace proctor
