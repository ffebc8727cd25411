#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/options/options.h"

namespace proctor::server {

// One flag: its name, its value's name (null if it takes none), its help, and what
// it does.
struct Flag {
  const char* name;
  const char* value;
  const char* help;
  absl::Status (*set)(Options& options, const std::string& value);
};

// All flags of proctord, in the order of --help.
absl::Span<const Flag> Flags();

}  // namespace proctor::server
