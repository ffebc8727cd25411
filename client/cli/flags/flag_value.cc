#include "client/cli/flags/flag_value.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/flags/measure.h"

namespace proctor::cli {
namespace {

absl::Status Malformed(const std::string& text, const std::string& wanted) {
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not ", wanted));
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(const std::string& text) {
  const std::optional<absl::Duration> duration = ReadDuration(text);
  if (!duration.has_value() || *duration < absl::ZeroDuration() ||
      *duration == absl::InfiniteDuration()) {
    return Malformed(text, "a duration such as 5 (seconds), 500ms, 10s, 5m or 1h30m");
  }
  return *duration;
}

absl::StatusOr<uint64_t> ParseSize(const std::string& text) {
  const std::optional<uint64_t> size = ReadSize(text);
  if (!size.has_value()) return Malformed(text, "a size in bytes such as 4096, 64K, 1M or 2G");
  return *size;
}

absl::StatusOr<uint64_t> ParseCount(const std::string& text) {
  const std::optional<uint64_t> count = ReadCount(text);
  if (!count.has_value()) return Malformed(text, "a whole number");
  return *count;
}

absl::StatusOr<std::pair<std::string, std::string>> ParseKeyValue(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return Malformed(text, "of the form KEY=VALUE");
  return std::make_pair(text.substr(0, equals), text.substr(equals + 1));
}

absl::StatusOr<v1::EventType> ParseEventType(const std::string& text) {
  std::string name = absl::StrReplaceAll(absl::AsciiStrToUpper(text), {{"-", "_"}});
  if (!absl::StartsWith(name, "EVENT_TYPE_")) name = absl::StrCat("EVENT_TYPE_", name);
  v1::EventType type;
  if (v1::EventType_Parse(name, &type) && type != v1::EVENT_TYPE_UNSPECIFIED) return type;
  std::string known;
  for (int number = 1; number <= v1::EventType_MAX; ++number) {
    if (!v1::EventType_IsValid(number)) continue;
    absl::StrAppend(&known, known.empty() ? "" : ", ",
                    v1::EventType_Name(number).substr(sizeof("EVENT_TYPE_") - 1));
  }
  return Malformed(text, absl::StrCat("a type of event: ", known));
}

absl::StatusOr<v1::EventPosition> ParsePosition(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos && colon > 0) {
    const absl::StatusOr<uint64_t> sequence = ParseCount(text.substr(colon + 1));
    if (sequence.ok()) {
      v1::EventPosition position;
      position.set_log_id(text.substr(0, colon));
      position.set_sequence(*sequence);
      return position;
    }
  }
  return Malformed(text, "a position of the form LOGID:SEQUENCE");
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto.set_nanos(
      static_cast<int32_t>(absl::IDivDuration(duration, absl::Nanoseconds(1), &duration)));
  return proto;
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace proctor::cli
