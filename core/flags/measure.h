#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace proctor {

// Durations, sizes and counts as people write them on a command line.
//
// Pure functions; thread-safe. Each returns nothing for what is malformed.

// 500ms, 10s, 5m, 1h30m, inf; a bare number, as 5 or 0.5, is seconds, as sleep(1) has it. May be
// negative.
std::optional<absl::Duration> ReadDuration(std::string_view text);

// 4096, 64K, 1M, 2G: bytes, in powers of 1024.
std::optional<uint64_t> ReadSize(std::string_view text);

// Digits alone: no sign, no space.
std::optional<uint64_t> ReadCount(std::string_view text);

}  // namespace proctor
