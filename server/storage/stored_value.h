#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proctor/error.h"

namespace proctor::storage {

// Stored values have their own rules of reading, never the checks of requests: a check that gets
// stricter must not lose what was written before it. So a server always reads what it or an earlier
// one wrote. An enumerator of a later version becomes the nearest known one.

inline absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

inline absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

template <typename Labels>
std::map<std::string, std::string> LabelsOf(const Labels& labels) {
  return {labels.begin(), labels.end()};
}

// Parses a row; false for one that no version wrote.
template <typename Message>
bool ParseRow(std::string_view body, Message* message) {
  return message->ParseFromArray(body.data(), static_cast<int>(body.size()));
}

// DataLoss (STORAGE_CORRUPT).
inline absl::Status Unreadable(std::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, Reason::kStorageCorrupt,
                   absl::StrCat("what is kept of ", std::string(what), " cannot be read"));
}

}  // namespace proctor::storage
