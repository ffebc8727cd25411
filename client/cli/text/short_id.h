#pragma once

#include <cstddef>

namespace proctor::cli {

// The length of an id in tables.

// The characters of an id in tables.
constexpr size_t kShortId = 12;

}  // namespace proctor::cli
