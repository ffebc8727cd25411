#pragma once

#include <signal.h>

namespace proctor::cli {

// Signals that we were started to ignore, as by nohup(1) or by a shell that runs us with '&'.
//
// Thread-safe.

// Whether signal `number` is ignored now, as a program inherits it. Code that finds it so installs
// no handler for it, and does not read it from a descriptor.
inline bool IsIgnored(int number) {
  struct sigaction action = {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace proctor::cli
