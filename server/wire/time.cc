#include "server/wire/time.h"

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor::wire {

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  const int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &duration);
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return proto;
}

absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& duration,
                                         std::string_view field, absl::Duration least) {
  constexpr int64_t kMostSeconds = 315576000000;  // the bound of duration.proto
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  const bool signs_differ = (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0);
  if (seconds > kMostSeconds || seconds < -kMostSeconds || nanos > 999999999 ||
      nanos < -999999999 || signs_differ) {
    return InvalidField(field, "not a valid google.protobuf.Duration");
  }
  const absl::Duration value = absl::Seconds(seconds) + absl::Nanoseconds(nanos);
  if (value < least) {
    return InvalidField(field, absl::StrCat(absl::FormatDuration(value), " is less than ",
                                            absl::FormatDuration(least)));
  }
  return value;
}

absl::StatusOr<absl::Time> FromProto(const google::protobuf::Timestamp& time,
                                     std::string_view field) {
  constexpr int64_t kFirstSecond = -62135596800;  // the bounds of timestamp.proto: the years
  constexpr int64_t kLastSecond = 253402300799;   // 1 to 9999
  if (time.seconds() < kFirstSecond || time.seconds() > kLastSecond || time.nanos() < 0 ||
      time.nanos() > 999999999) {
    return InvalidField(field, "not a valid google.protobuf.Timestamp");
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace proctor::wire
