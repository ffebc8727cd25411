#include "client/cli/flags/log_time.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/flags/flag_value.h"
#include "client/cli/text/local_time.h"

namespace proctor::cli {
namespace {

// A number above this is no duration, which would be 30 years, but seconds since 1970.
constexpr double kLeastEpochSeconds = 1e9;

// The years that a google.protobuf.Timestamp knows.
bool InRange(absl::Time time) {
  return time >= absl::FromUnixSeconds(-62135596800) && time < absl::FromUnixSeconds(253402300800);
}

bool ParseEpoch(const std::string& text, absl::Time* time) {
  const bool marked = absl::StartsWith(text, "@");
  double seconds = 0;
  const std::string number = text.substr(marked ? 1 : 0);
  if (number.find_first_not_of("0123456789.") != std::string::npos || number.size() > 22 ||
      !absl::SimpleAtod(number, &seconds) || (!marked && seconds < kLeastEpochSeconds)) {
    return false;
  }
  // A double is exact to about a microsecond.
  *time = absl::UnixEpoch() + absl::Microseconds(static_cast<int64_t>(seconds * 1e6));
  return true;
}

}  // namespace

absl::StatusOr<absl::Time> ParseLogTime(const std::string& text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (ParseEpoch(text, &time) || absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    if (InRange(time)) return time;
  } else if (const auto local = ParseLocalTime(text, now); local.has_value()) {
    if (InRange(*local)) return *local;
  } else if (const auto ago = ParseDuration(text); ago.ok()) {
    if (InRange(now - *ago)) return now - *ago;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' is neither so long ago (10m, 1h30m) nor a time (2026-01-02T15:04:05Z, "
                   "\"2026-01-02 15:04\", 15:04)"));
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down
  proto.set_seconds(seconds);
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return proto;
}

}  // namespace proctor::cli
