#pragma once

#include "absl/status/statusor.h"
#include "core/command/process_change.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::server {

// Returns what a request changes of a process. Parts of the retention that are not set stay as they
// are. A pure function.
// Errors: InvalidArgument (INVALID_FIELD) naming `output.overflow`.
absl::StatusOr<ProcessChange> ChangeFromProto(const v1::UpdateProcessRequest& request);

}  // namespace proctor::server
