// Times for people, by the clock on their wall.
//
// Pure functions of the time zone ($TZ, as libc reads it); thread-safe.
#ifndef PROCTOR_CLIENT_CLI_LOCAL_TIME_H_
#define PROCTOR_CLIENT_CLI_LOCAL_TIME_H_

#include <string>

#include "absl/time/time.h"

namespace proctor::cli {

// "2026-11-27T17:22:39", without an offset: it is ours.
std::string LocalTime(absl::Time time);

// "2026-11-27T17:22:39.250".
std::string LocalTimeWithMilliseconds(absl::Time time);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_LOCAL_TIME_H_
