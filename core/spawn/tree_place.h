#pragma once

#include <cstdint>

namespace proctor {

// Where a process is put at its spawn, so that its descendants can be told from others.
struct TreePlace {
  int cgroup = -1;    // a directory of cgroup v2, open; -1: the server's own group
  uint64_t mark = 0;  // the value of RLIMIT_LOCKS; 0: as it is
};

}  // namespace proctor
