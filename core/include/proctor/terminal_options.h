#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace proctor {

// A size in character cells and, where known, in pixels. A value.
struct TerminalSize {
  uint32_t rows = 24;
  uint32_t columns = 80;
  uint32_t width_pixels = 0;
  uint32_t height_pixels = 0;

  bool operator==(const TerminalSize&) const = default;
};

// A pseudo-terminal as a command asks for it. A value.
struct TerminalOptions {
  TerminalSize size;
  std::string term = "xterm-256color";

  bool operator==(const TerminalOptions&) const = default;
};

// Errors: InvalidArgument (INVALID_FIELD) for rows and columns outside 1 to 65535, or pixels
// above. `field` is the member of `size`: "rows".
absl::Status ValidateTerminalSize(const TerminalSize& size);

}  // namespace proctor
