#pragma once

#include "client/cli/command/invocation.h"
#include "client/cli/print/process_view.h"
#include "client/cli/select/process_filter.h"
#include "proctor/client/client.h"
#include "proctor/client/reconnector.h"

namespace proctor::cli {

// ps --watch: a list that follows the changes.
//
// In a pipe it is the list, and then a line for each change. On a terminal the table is painted
// anew, once a second at most.

// Follows until stdout fails or the server is lost for longer than the policy allows; returns the
// exit code. `coloured`: of the table.
int WatchProcesses(Invocation& invocation, const client::Client& client,
                   const ProcessFilter& filter, ProcessView* view, bool coloured,
                   const client::ReconnectPolicy& reconnect);

}  // namespace proctor::cli
