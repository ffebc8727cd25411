#pragma once

#include <string>

#include "proctor/exit_status.h"

namespace proctor {

// A wish to end a process: the caller, and the reason.
struct EndRequest {
  ExitCause cause = ExitCause::kClientSignal;
  std::string requested_by;
};

// What becomes of a process when the stream that ran it is lost. Half an input is never taken for
// all of it: where the stream is lost before the end of stdin, kKill and kStop send SIGKILL to the
// tree before the pipe is closed.
enum class DisconnectPolicy { kKeep, kKill, kStop };

}  // namespace proctor
