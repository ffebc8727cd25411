#pragma once

#include <optional>

#include "absl/time/time.h"
#include "proctor/command.h"

namespace proctor {

// What one stop of a process does otherwise than its stop policy says. A value.
struct StopOverride {
  std::optional<int> signal;
  std::optional<absl::Duration> grace;
  std::optional<SignalScope> scope;

  // `own` where nothing else is wanted.
  StopPolicy Over(const StopPolicy& own) const {
    return {.signal = signal.value_or(own.signal),
            .grace = grace.value_or(own.grace),
            .scope = scope.value_or(own.scope)};
  }

  bool operator==(const StopOverride&) const = default;
};

}  // namespace proctor
