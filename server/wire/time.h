#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace proctor::wire {

google::protobuf::Timestamp ToProto(absl::Time time);
google::protobuf::Duration ToProto(absl::Duration duration);

// Errors: InvalidArgument (INVALID_FIELD) naming `field` for a value that is not
// valid by duration.proto, is below `least`, or is above ten thousand years.
absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration,
                                         std::string_view field, absl::Duration least);

// Errors: InvalidArgument (INVALID_FIELD) naming `field` for a value that is not valid by
// timestamp.proto.
absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time,
                                     std::string_view field);

}  // namespace proctor::wire
