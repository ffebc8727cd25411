#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "core/session/session_info.h"

namespace proctor {

// The error of who asks for more than is allowed: ResourceExhausted (QUOTA_EXCEEDED) with
// `quota`, `limit` and `used`. `wanted` says what could not be done. A pure function.
absl::Status QuotaError(std::string_view wanted, std::string_view quota, uint64_t limit,
                        uint64_t used);

// Whether a process of this command writes to a pipe or a terminal of ours. A pure function.
bool KeepsOutput(const Command& command);

// What the processes of one session use of its quota.
//
// Thread-safety: none; the session's thread. Lifetime: a part of the session.
class QuotaUse {
 public:
  explicit QuotaUse(const SessionQuota& quota) : quota_(quota) {}

  // Whether one more process may be started beside `running` others.
  // Errors: QuotaError, quota `running_processes` or `output_bytes`.
  absl::Status CheckStart(const Command& command, uint64_t running) const;

  // Whether so many bytes of output more may be kept. Errors: QuotaError, `output_bytes`.
  absl::Status CheckOutput(std::string_view wanted, uint64_t more) const;

  // A process keeps, or may come to keep, so many bytes: in place of what was said of it
  // before.
  void SetOutput(const std::string& process_id, uint64_t bytes);
  void Remove(const std::string& process_id);

  uint64_t output_bytes() const { return output_bytes_; }

 private:
  const SessionQuota quota_;
  absl::flat_hash_map<std::string, uint64_t> outputs_;  // by process id
  uint64_t output_bytes_ = 0;                           // their sum
};

}  // namespace proctor
