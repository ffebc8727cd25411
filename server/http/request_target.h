#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/http/query.h"

namespace proctor::server::http {

// The target of a request in its origin form, "/PATH?QUERY", decoded (RFC 9112, 3.2.1).
//
// Thread-safety: values and pure functions.
struct RequestTarget {
  std::string path;                          // begins with '/'
  std::vector<Query::Parameter> parameters;  // in the order in which they came

  // The parts of the path: {"v1", "processes", "x"} of "/v1/processes/x"; none of "/".
  std::vector<std::string> Segments() const;
};

// Errors: InvalidArgument (MALFORMED_TARGET) for another form, a bad escape, an empty
// segment ("//host" would be another host to a browser that is sent there), a control
// character in the path, a NUL, and what is not UTF-8.
absl::StatusOr<RequestTarget> ParseTarget(std::string_view target);

}  // namespace proctor::server::http
