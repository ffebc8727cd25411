#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace proctor {

// The errors of loops, the same words for each kind of loop.
//
// Thread-safety: pure functions.

// FailedPrecondition (LOOP_CLOSED).
absl::Status LoopClosedError();

// InvalidArgument (INVALID_FIELD) of a callback that is empty.
absl::Status NoCallbackError();

// FailedPrecondition (LOOP_RUNNING).
absl::Status LoopRunningError(std::string_view message);

// The error of a system call that makes a loop: ResourceExhausted (LOOP_RESOURCES) when out of
// descriptors or memory, else Internal.
absl::Status LoopCreateError(std::string_view operation, int error);

// The error of epoll_ctl(2) for a descriptor: InvalidArgument (UNWATCHABLE_DESCRIPTOR);
// ResourceExhausted (LOOP_RESOURCES); NotFound (DESCRIPTOR_CLOSED) for ENOENT.
absl::Status WatchError(int fd, int error);

}  // namespace proctor
