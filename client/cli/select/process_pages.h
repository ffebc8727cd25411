#pragma once

#include <functional>

#include "proctor/client/client.h"
#include "proctor/client/error.h"
#include "proctor/v1/process_service.pb.h"

namespace proctor::cli {

// The lists of the server, which come in pages.
//
// Thread-safe, as Client is.

// Calls `take` for each process that `request` selects, on all of its pages, in the server's order,
// until it returns false. Errors as ListProcesses.
absl::Status ForEachListed(const client::Client& client, v1::ListProcessesRequest request,
                           const std::function<bool(const v1::Process&)>& take);

}  // namespace proctor::cli
