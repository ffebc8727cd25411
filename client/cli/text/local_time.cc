#include "client/cli/text/local_time.h"

#include <ctime>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

// All by libc and not by Abseil, which does not know zones written out as in POSIX, such as
// CET-1CEST. Printed times must be read by the same clock.
namespace proctor::cli {
namespace {

std::string Formatted(const char* format, absl::Time time) {
  const time_t seconds = absl::ToTimeT(time);
  std::tm fields = {};
  if (localtime_r(&seconds, &fields) == nullptr) return "?";
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, format, &fields));
}

// "+01:00", as RFC 3339 has it.
std::string Offset(absl::Time time) {
  const std::string offset = Formatted("%z", time);
  if (offset.size() != 5) return offset;
  return absl::StrCat(offset.substr(0, 3), ":", offset.substr(3));
}

// ".25" as a length of time; nothing is none.
bool ParseFraction(const std::string& text, absl::Duration* fraction) {
  *fraction = absl::ZeroDuration();
  if (text.empty()) return true;
  if (text.size() < 2 || text.size() > 10 || text[0] != '.' ||
      text.find_first_not_of("0123456789", 1) != std::string::npos) {
    return false;
  }
  std::string digits = text.substr(1);
  digits.resize(9, '0');
  int64_t nanoseconds = 0;
  if (!absl::SimpleAtoi(digits, &nanoseconds)) return false;
  *fraction = absl::Nanoseconds(nanoseconds);
  return true;
}

std::optional<absl::Time> Parse(const std::string& text, const char* format) {
  std::tm fields = {};
  const char* const end = strptime(text.c_str(), format, &fields);
  absl::Duration fraction;
  if (end == nullptr || !ParseFraction(end, &fraction)) return std::nullopt;
  const int day = fields.tm_mday;
  fields.tm_isdst = -1;
  fields.tm_wday = -1;
  const time_t seconds = mktime(&fields);
  // It would make the 2nd of March of the 30th of February. An error leaves the weekday alone.
  if (fields.tm_wday < 0 || fields.tm_mday != day) return std::nullopt;
  return absl::FromTimeT(seconds) + fraction;
}

}  // namespace

std::string LocalTime(absl::Time time) { return Formatted("%Y-%m-%dT%H:%M:%S", time); }

std::string LocalTimeWithOffset(absl::Time time) {
  return absl::StrCat(LocalTime(time), Offset(time));
}

std::string LocalTimeWithMilliseconds(absl::Time time) {
  return absl::StrCat(LocalTime(time), absl::FormatTime(".%E3f", time, absl::UTCTimeZone()),
                      Offset(time));
}

std::optional<absl::Time> ParseLocalTime(const std::string& text, absl::Time now) {
  // strptime would skip spaces, and read text that is no date.
  if (text.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(text[0]))) {
    return std::nullopt;
  }
  const std::string today = absl::StrCat(Formatted("%Y-%m-%d", now), "T");
  for (const std::string& full : {text, today + text}) {
    for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S",
                               "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
      if (const auto time = Parse(full, format)) return time;
    }
  }
  return std::nullopt;
}

}  // namespace proctor::cli
