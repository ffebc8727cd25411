#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace proctor::cli {

// Times for people, by the clock on their wall.
//
// Functions of the time zone ($TZ, as libc reads it); thread-safe.

// "2026-11-27T17:22:39", without an offset: it is ours.
std::string LocalTime(absl::Time time);

// "2026-11-27T17:22:39+01:00": no hour is meant twice where the clock is put back.
std::string LocalTimeWithOffset(absl::Time time);

// "2026-11-27T17:22:39.250+01:00".
std::string LocalTimeWithMilliseconds(absl::Time time);

// What LocalTime prints, also with a fraction, a space for the T, or without seconds or the time of
// day; or a time of day alone, on the day of `now`. None for what is no such time.
std::optional<absl::Time> ParseLocalTime(const std::string& text, absl::Time now);

}  // namespace proctor::cli
