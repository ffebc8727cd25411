#pragma once

#include <cstdint>

namespace proctor::server {

// What the server itself uses: the figures that all clients of Prometheus give.
struct OwnUsage {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // since 1970
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
};

// Reads them from /proc/self (proc(5)), getrusage(2) and getrlimit(2); 0 for what cannot be
// read, which an exhausted server cannot avoid. Any thread.
OwnUsage ReadOwnUsage();

}  // namespace proctor::server
