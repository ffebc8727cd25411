#pragma once

#include <string>

#include "proctor/exit_status.h"

namespace proctor {

// A wish to end a process: the caller, and the reason.
struct EndRequest {
  ExitCause cause = ExitCause::kClientSignal;
  std::string requested_by;
};

// What becomes of a process when the stream that ran it is lost.
enum class DisconnectPolicy { kKeep, kKill, kStop };

}  // namespace proctor
