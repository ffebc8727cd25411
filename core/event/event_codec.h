#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/fact/event.h"

namespace proctor {

// How an event becomes the bytes that a store keeps, and back. Its sequence, time, session
// and process are kept beside them.
struct EventCodec {
  std::function<std::string(const Event&)> encode;
  // Errors: DataLoss for what `encode` did not make.
  std::function<absl::StatusOr<Event>(std::string_view body)> decode;
};

}  // namespace proctor
