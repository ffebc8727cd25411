#pragma once

#include "absl/status/status.h"
#include "core/fact/process_info.h"
#include "core/registry/session_registry.h"

namespace proctor::server {

// Answers about a process that no session has any more: it ended, or was lost with its server.
//
// Thread-safety: from any thread.

// Returns NotFound (PROCESS_EXITED): there is nothing to signal.
absl::Status ExitedError(const ProcessInfo& info);

// OK when a lost server has left something of the process that still runs.
// Errors: NotFound (PROCESS_EXITED); FailedPrecondition (SESSION_CLOSED) when that is unknown.
absl::Status SurvivorsStatus(SessionRegistry* sessions, const ProcessInfo& info);

// OK when a process may be forgotten. What still runs of a lost one would then be out of reach.
// Errors: FailedPrecondition (PROCESS_RUNNING).
absl::Status CheckForgettable(const ProcessInfo& info);

}  // namespace proctor::server
