#include "core/session/session_quota.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error.h"

namespace proctor {

bool KeepsOutput(const Command& command) {
  return command.terminal.has_value() || command.stdout_mode == StdioMode::kPipe ||
         command.stderr_mode == StdioMode::kPipe;
}

absl::Status QuotaError(std::string_view wanted, std::string_view quota, uint64_t limit,
                        uint64_t used) {
  const std::string name(quota);
  return MakeError(
      absl::StatusCode::kResourceExhausted, "QUOTA_EXCEEDED",
      absl::StrCat(std::string(wanted), ": ", name, ": ", used, " of ", limit, " are in use"),
      {{"quota", name}, {"limit", absl::StrCat(limit)}, {"used", absl::StrCat(used)}});
}

absl::Status QuotaUse::CheckStart(const Command& command, uint64_t running) const {
  const uint64_t most = quota_.max_running_processes;
  if (most != 0 && running >= most) {
    return QuotaError("start a process", "running_processes", most, running);
  }
  return CheckOutput("start a process", KeepsOutput(command) ? command.retain_bytes : 0);
}

absl::Status QuotaUse::CheckOutput(std::string_view wanted, uint64_t more) const {
  const uint64_t most = quota_.max_output_bytes;
  if (most == 0 || more == 0 || (output_bytes_ <= most && more <= most - output_bytes_)) {
    return absl::OkStatus();
  }
  return QuotaError(absl::StrCat(std::string(wanted), " that may keep ", more, " bytes more"),
                    "output_bytes", most, output_bytes_);
}

void QuotaUse::SetOutput(const std::string& process_id, uint64_t bytes) {
  const uint64_t before = std::exchange(outputs_[process_id], bytes);
  output_bytes_ = output_bytes_ - before + bytes;
}

void QuotaUse::Remove(const std::string& process_id) {
  SetOutput(process_id, 0);
  outputs_.erase(process_id);
}

}  // namespace proctor
