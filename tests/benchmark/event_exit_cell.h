#pragma once

#include <cstddef>
#include <string>

#include "absl/time/time.h"

namespace proctor {

struct ExitCellOptions {
  std::string target;    // the server
  std::string source;    // "grpc", or HOST:PORT/TOKEN for Server-Sent Events
  int children = 0;      // that live at the beginning
  size_t samples = 0;    // exits to measure
  double rate = 0;       // so many a second; 0 kills the next one when the one before was told
  unsigned seed = 1;     // of the choice of the child to kill
  absl::Duration limit;  // when to end with the samples there are
  std::string program;   // the child: waits
};

// Kills children, and prints how long it took each time until a subscriber had the event, as a
// line of JSON. Dies if an exit is not told, or twice.
void RunExitCell(const ExitCellOptions& options);

}  // namespace proctor
