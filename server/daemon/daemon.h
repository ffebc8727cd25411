#pragma once

#include "server/options/options.h"

namespace proctor::server {

// Runs a server in this process until a signal, or the Drain call, has ended it. Sets up logging,
// signals and the event loop policy that --policy names, which gives the main thread's loop, too.
// Returns the process's exit code: 0 after a clean drain, 1 if it cannot start or a process could
// not be seen to end.
//
// On the main thread, before any other thread is made. Once.
int RunDaemon(const Options& options);

}  // namespace proctor::server
