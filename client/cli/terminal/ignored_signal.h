#pragma once

#include <signal.h>

namespace proctor::cli {

// Signals that we were started to ignore, as by nohup(1) or by a shell that runs us with '&'.
//
// Thread-safe.

// Whether signal `number` is ignored now, which is what a program inherits. Nobody who finds it so
// installs a handler for it, or reads it from a descriptor.
inline bool IsIgnored(int number) {
  struct sigaction action = {};
  return sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace proctor::cli
