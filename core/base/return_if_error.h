#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Return from the function around them on an error. That function returns an absl::Status, or an
// absl::StatusOr.

// Returns the status of an expression, unless it is OK.
//
//   RETURN_IF_ERROR(loop->Close());
#define RETURN_IF_ERROR(...)                             \
  do {                                                   \
    absl::Status proctor_returned = (__VA_ARGS__);       \
    if (!proctor_returned.ok()) return proctor_returned; \
  } while (false)

// Assigns the value of an absl::StatusOr; returns its status if it has none. `variable` may be a
// declaration. Two statements: not the body of an if without braces.
//
//   ASSIGN_OR_RETURN(auto session, registry->Find(id));
#define ASSIGN_OR_RETURN(variable, ...) \
  PROCTOR_ASSIGN_OR_RETURN(PROCTOR_JOIN(proctor_assigned_, __LINE__), variable, __VA_ARGS__)

#define PROCTOR_JOIN(left, right) PROCTOR_JOIN_NOW(left, right)
#define PROCTOR_JOIN_NOW(left, right) left##right
#define PROCTOR_ASSIGN_OR_RETURN(result, variable, ...) \
  auto result = (__VA_ARGS__);                          \
  if (!result.ok()) return std::move(result).status();  \
  variable = *std::move(result)
