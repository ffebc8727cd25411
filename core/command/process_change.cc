#include "core/command/process_change.h"

#include "core/base/return_if_error.h"

namespace proctor {

absl::StatusOr<Command> Changed(const Command& command, const ProcessChange& change) {
  Command changed = command;
  for (const auto& [key, value] : change.labels) {
    if (value.empty()) {
      changed.labels.erase(key);
    } else {
      changed.labels[key] = value;
    }
  }
  RETURN_IF_ERROR(ValidateLabels(changed.labels));
  if (change.retain_bytes.has_value()) {
    RETURN_IF_ERROR(ValidateRetention(*change.retain_bytes));
    changed.retain_bytes = *change.retain_bytes;
  }
  if (change.overflow.has_value()) changed.overflow = *change.overflow;
  return changed;
}

}  // namespace proctor
