#pragma once

#include <optional>
#include <string>

#include "server/http/request_target.h"

namespace proctor::server::http {

// The action of a request on a process: "/v1/processes/ID:VERB".
//
// Thread-safety: values and pure functions.
struct ProcessAction {
  std::string process_id;
  std::string verb;  // as it came: there may be none of this name
};

// Returns nothing for a target of another form.
std::optional<ProcessAction> ParseAction(const RequestTarget& target);

}  // namespace proctor::server::http
