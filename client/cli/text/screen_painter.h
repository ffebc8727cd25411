#pragma once

#include <cstddef>
#include <string>

namespace proctor::cli {

// A table on a terminal that is painted anew over itself.
//
// Not thread-safe.
class ScreenPainter {
 public:
  // Returns what to write to show `table` over what was shown before, without an empty moment: as
  // much as a window of `rows` has room for; 0 is no limit. Its lines are no wider than the window.
  // Empty when that is shown already.
  std::string Show(const std::string& table, size_t rows);

 private:
  std::string shown_;
};

}  // namespace proctor::cli
