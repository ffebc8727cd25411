#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proctor/exit_status.h"

namespace proctor {

// Why the output of an ended process was declared complete.
enum class DrainReason {
  kEof,           // every stream reached its end of file
  kGraceExpired,  // what the process wrote is read; others still hold its pipes
  kServerLost,    // the server that read it ended; what came after is not known
};

// A process that holds a pipe of an ended one.
struct PipeHolder {
  pid_t pid = 0;
  std::string command;

  bool operator==(const PipeHolder&) const = default;
};

// Says why the output of a process is complete. A value.
struct OutputDrained {
  DrainReason reason = DrainReason::kEof;
  std::vector<PipeHolder> holders;  // with kGraceExpired; at most 16
  OutputTotals output;
  absl::Time time;

  bool operator==(const OutputDrained&) const = default;
};

}  // namespace proctor
