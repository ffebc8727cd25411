#pragma once

#include "absl/status/status.h"

namespace proctor::wire {

// Errors of the core name members of its structs. These return the same error with the name of the
// request's field in its place, in the variable `field` and in the message. What is no such member
// stays as it is: the request_id of a start, for example. Pure functions.

// Of a Command: its field in the `spec` of a request.
absl::Status InSpec(const absl::Status& error);

// Of a ProcessChange: its field in UpdateProcessRequest.
absl::Status InUpdate(const absl::Status& error);

}  // namespace proctor::wire
