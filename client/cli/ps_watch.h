// ps --watch: a list that follows what changes.
//
// In a pipe it is the list, and then a line for each change. On a terminal the table is painted
// anew, once a second at most.
#ifndef PROCTOR_CLIENT_CLI_PS_WATCH_H_
#define PROCTOR_CLIENT_CLI_PS_WATCH_H_

#include "client/cli/invocation.h"
#include "client/cli/process_filter.h"
#include "client/cli/process_view.h"
#include "client/cpp/client.h"
#include "client/cpp/reconnector.h"

namespace proctor::cli {

// Follows until stdout fails or the server is lost for longer than the policy has it; returns the
// exit code. `coloured`: where the table is.
int WatchProcesses(Invocation& invocation, const client::Client& client,
                   const ProcessFilter& filter, ProcessView* view, bool coloured,
                   const client::ReconnectPolicy& reconnect);

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENT_CLI_PS_WATCH_H_
