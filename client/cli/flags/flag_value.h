#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "proctor/v1/event.pb.h"

namespace proctor::cli {

// The values of flags: durations, sizes, KEY=VALUE, and the words of the contract's enums.
//
// Pure functions; thread-safe. All return INVALID_ARGUMENT, naming the value, for one that is
// malformed.

// 500ms, 10s, 5m, 1h30m; a bare number, as 5 or 0.5, is seconds. Not negative, not infinite.
absl::StatusOr<absl::Duration> ParseDuration(const std::string& text);

// 4096, 64K, 1M, 2G: powers of 1024.
absl::StatusOr<uint64_t> ParseSize(const std::string& text);

absl::StatusOr<uint64_t> ParseCount(const std::string& text);

// KEY=VALUE; the key is not empty.
absl::StatusOr<std::pair<std::string, std::string>> ParseKeyValue(const std::string& text);

// PROCESS_EXITED, process-exited or EVENT_TYPE_PROCESS_EXITED.
absl::StatusOr<v1::EventType> ParseEventType(const std::string& text);

// LOGID:SEQUENCE.
absl::StatusOr<v1::EventPosition> ParsePosition(const std::string& text);

google::protobuf::Duration ToProto(absl::Duration duration);
absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& time);

}  // namespace proctor::cli
