#include "client/cli/local_time.h"

#include <ctime>

namespace proctor::cli {

std::string LocalTime(absl::Time time) {
  // Not by Abseil, which does not know the zones that POSIX writes out, such as CET-1CEST.
  const time_t seconds = absl::ToTimeT(time);
  std::tm fields = {};
  if (localtime_r(&seconds, &fields) == nullptr) return "?";
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &fields));
}

std::string LocalTimeWithMilliseconds(absl::Time time) {
  return LocalTime(time) + absl::FormatTime(".%E3f", time, absl::UTCTimeZone());
}

}  // namespace proctor::cli
