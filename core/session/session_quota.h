#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/fact/session_info.h"
#include "core/ledger/memory_budget.h"

namespace proctor {

// The use of one session's quota by its processes, and of the server's budget by their output. The
// process table counts their specifications there while they are listed.
//
// Thread-safety: none; the session's thread. Lifetime: a part of the session.
class QuotaUse {
 public:
  QuotaUse(const SessionQuota& quota, MemoryBudget* memory) : quota_(quota), memory_(memory) {}
  ~QuotaUse() { Clear(); }
  QuotaUse(const QuotaUse&) = delete;
  QuotaUse& operator=(const QuotaUse&) = delete;

  // Holds memory for one more process beside `running` others, until it is counted.
  // Errors: QuotaError, quota `running_processes`, `output_bytes` or `memory`.
  absl::StatusOr<MemoryBudget::Hold> TakeStart(const Command& command, uint64_t running);

  // Holds memory for so many bytes of output more.
  // Errors: QuotaError, `output_bytes`, `memory`.
  absl::StatusOr<MemoryBudget::Hold> TakeOutput(std::string_view wanted, uint64_t more);

  // A process keeps, or may come to keep, so many bytes of output, and its specification is
  // `command`: in place of what was said of it before.
  void Set(const std::string& process_id, uint64_t output, const Command& command);
  void Remove(const std::string& process_id);
  void Clear();

  // Of all processes.
  uint64_t output_bytes() const { return output_bytes_; }

 private:
  struct Use {
    uint64_t output = 0;
    uint64_t specification = 0;
  };

  absl::Status CheckOutput(std::string_view wanted, uint64_t more) const;
  void Replace(Use* use, const Use& now);

  const SessionQuota quota_;
  MemoryBudget* const memory_;
  absl::flat_hash_map<std::string, Use> uses_;  // by process id
  uint64_t output_bytes_ = 0;                   // the sum of both
};

}  // namespace proctor
