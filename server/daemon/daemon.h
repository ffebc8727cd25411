#pragma once

#include "server/options/options.h"

namespace proctor::server {

// Runs a server in this process until a signal has ended it: sets up logging, the
// signals, the process's event loop policy, which is that of --policy, and with it the
// main thread's loop. Returns the process's exit code: 0 after
// a clean drain, 1 if it cannot start or a process could not be seen to end.
//
// On the main thread, before any other thread is made. Once.
int RunDaemon(const Options& options);

}  // namespace proctor::server
