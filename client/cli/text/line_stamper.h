#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace proctor::cli {

// Puts the time of its first byte in front of each line of a stream that comes in pieces.
//
// Not thread-safe: it belongs to the writer of the stream.
class LineStamper {
 public:
  // The next piece, which was read at `time`, with the times in it: RFC 3339 in UTC with all nine
  // digits of its nanoseconds, and a blank.
  std::string Stamp(std::string_view piece, absl::Time time);

 private:
  bool in_line_ = false;  // the piece before ended within a line
};

}  // namespace proctor::cli
