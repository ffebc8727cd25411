#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proctor/command.h"

namespace proctor {

// A change of an existing process: proctor.v1.UpdateProcessRequest in the core's words. A value.
struct ProcessChange {
  std::map<std::string, std::string> labels;  // to set; an empty value removes the label
  std::optional<uint64_t> retain_bytes;       // empty: unchanged
  std::optional<OverflowPolicy> overflow;     // empty: unchanged
};

// The command of a process as it is after the change.
// Errors: InvalidArgument (INVALID_FIELD) naming `labels` or `retain_bytes`.
absl::StatusOr<Command> Changed(const Command& command, const ProcessChange& change);

}  // namespace proctor
