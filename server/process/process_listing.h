#pragma once

#include "absl/status/status.h"
#include "core/registry/session_registry.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::server {

// One page of processes: ListProcesses. `*response` is empty before; after an error it means
// nothing.
// Errors: InvalidArgument (INVALID_FIELD) for an unknown state, and as ReadPage; NotFound
// (SESSION_NOT_FOUND).
// Thread-safety: from any thread.
absl::Status ListProcesses(SessionRegistry* sessions, const v1::ListProcessesRequest& request,
                           v1::ListProcessesResponse* response);

// Returns the place from which the output of a process can be read.
v1::OutputPlace PlaceOfOutput(const SessionRegistry& sessions, const ProcessInfo& info);

}  // namespace proctor::server
