#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace proctor::cli {

// The moments between which logs are shown, as users write them.
//
// Thread-safe.

// One of: so long before `now` (10m, 1h30m); a time of RFC 3339 (2026-01-02T15:04:05Z, with a
// fraction or an offset); a local time without one (2026-01-02T15:04:05,
// "2026-01-02 15:04", 2026-01-02, or 15:04 today); seconds since 1970 (@1767366245, or that without
// the @).
// Errors: INVALID_ARGUMENT, naming the value.
absl::StatusOr<absl::Time> ParseLogTime(const std::string& text, absl::Time now);

google::protobuf::Timestamp ToProto(absl::Time time);

}  // namespace proctor::cli
