#pragma once

#include <sys/types.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor {

// The identity of a process: its pid, and its start in ticks since the boot.
using ProcIdentity = std::pair<pid_t, uint64_t>;

// A process as /proc shows it (proc(5)). A value.
struct ProcEntry {
  pid_t pid = 0;
  char state = '?';  // of its main thread: 'Z' and 'X' have ended, 'T' is stopped
  pid_t parent = 0;
  pid_t session = 0;
  int threads = 0;
  uint64_t start_time = 0;  // in ticks since the boot
  uint64_t cpu_ticks = 0;   // on a processor, with that of the children that it has waited for
  uint64_t resident_pages = 0;
  uint64_t locks = 0;  // its soft limit of file locks, where asked for; else 0

  ProcIdentity identity() const { return {pid, start_time}; }
  // A process runs on after its main thread has ended, though /proc then shows a zombie.
  bool ended() const { return (state == 'Z' || state == 'X') && threads <= 1; }
};

// One process. Errors: NotFound if it is gone; Internal (SYSTEM_CALL_FAILED) if it cannot be read,
// for example for want of a descriptor.
absl::StatusOr<ProcEntry> ReadProcEntry(pid_t pid, bool with_locks);

// The real user of a process; nothing where that cannot be had.
std::optional<uid_t> ReadProcUser(pid_t pid);

// Now, as a start_time.
uint64_t ProcTicksNow();

// Whether /proc shows the processes of this one's world, itself among them.
// Errors: FailedPrecondition (PROC_UNAVAILABLE) with the reason.
absl::Status CheckProc();

// All processes that can be seen, each as it was at some moment during Read.
//
// Thread-safety: const methods from any thread. A value.
class ProcTable {
 public:
  static constexpr uint64_t kNoLocks = std::numeric_limits<uint64_t>::max();

  // Reads the limit of locks of those that were started at `locks_since` or later.
  // Errors: Internal (SYSTEM_CALL_FAILED) if one of them could not be looked at;
  // FailedPrecondition (PROC_UNAVAILABLE) where this process itself is not shown.
  static absl::StatusOr<ProcTable> Read(uint64_t locks_since);

  explicit ProcTable(std::vector<ProcEntry> entries);

  const std::vector<ProcEntry>& entries() const { return entries_; }
  // Null if it was not seen.
  const ProcEntry* Find(pid_t pid) const;
  // Places in entries().
  const std::vector<size_t>& ChildrenOf(pid_t parent) const { return Of(by_parent_, parent); }
  const std::vector<size_t>& InSession(pid_t session) const { return Of(by_session_, session); }
  const std::vector<size_t>& WithLocks(uint64_t locks) const { return Of(by_locks_, locks); }

 private:
  template <typename Key>
  using Places = absl::flat_hash_map<Key, std::vector<size_t>>;
  template <typename Key>
  static const std::vector<size_t>& Of(const Places<Key>& places, Key key) {
    static const auto* const none = new std::vector<size_t>;
    const auto found = places.find(key);
    return found == places.end() ? *none : found->second;
  }

  std::vector<ProcEntry> entries_;
  absl::flat_hash_map<pid_t, size_t> by_pid_;
  Places<pid_t> by_parent_;
  Places<pid_t> by_session_;
  Places<uint64_t> by_locks_;
};

}  // namespace proctor
