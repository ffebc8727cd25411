#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace proctor {

// What /proc tells of a process (proc(5)). A value.
struct ProcEntry {
  pid_t pid = 0;
  char state = '?';  // 'Z' and 'X' have ended, 'T' is stopped
  pid_t parent = 0;
  pid_t session = 0;
  uint64_t start_time = 0;  // in ticks since the boot: with the pid, who it is
  uint64_t locks = 0;       // its soft limit of file locks, where asked for; else 0

  bool ended() const { return state == 'Z' || state == 'X'; }
};

// One process. Errors: NotFound if it is gone; Internal (SYSTEM_CALL_FAILED) where that cannot
// be told, for want of a descriptor, say.
absl::StatusOr<ProcEntry> ReadProcEntry(pid_t pid, bool with_locks);

// All processes that can be seen, each as it was at some moment during the call. Errors:
// Internal (SYSTEM_CALL_FAILED) if one of them could not be looked at.
absl::StatusOr<std::vector<ProcEntry>> ReadProcTable(bool with_locks);

}  // namespace proctor
