#include "core/session/session_quota.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/return_if_error.h"
#include "core/command/command_excerpt.h"
#include "core/fact/process_info.h"
#include "core/ledger/quota_error.h"

namespace proctor {

absl::StatusOr<MemoryBudget::Hold> QuotaUse::TakeStart(const Command& command, uint64_t running) {
  const uint64_t most = quota_.max_running_processes;
  if (most != 0 && running >= most) {
    return QuotaError("start a process", "running_processes", most, running);
  }
  const uint64_t output = KeepsOutput(command) ? command.retain_bytes : 0;
  RETURN_IF_ERROR(CheckOutput("start a process", output + SpecificationUse(command)));
  return memory_->Take("start a process", output + sizeof(ProcessInfo) + MemoryOf(command));
}

absl::StatusOr<MemoryBudget::Hold> QuotaUse::TakeOutput(std::string_view wanted, uint64_t more) {
  RETURN_IF_ERROR(CheckOutput(wanted, more));
  return memory_->Take(wanted, more);
}

absl::Status QuotaUse::CheckOutput(std::string_view wanted, uint64_t more) const {
  const uint64_t most = quota_.max_output_bytes;
  if (most == 0 || more == 0 || (output_bytes_ <= most && more <= most - output_bytes_)) {
    return absl::OkStatus();
  }
  return QuotaError(absl::StrCat(std::string(wanted), " that may keep ", more, " bytes more"),
                    "output_bytes", most, output_bytes_);
}

void QuotaUse::Set(const std::string& process_id, uint64_t output, const Command& command) {
  Replace(&uses_[process_id], {output, SpecificationUse(command)});
}

void QuotaUse::Replace(Use* use, const Use& now) {
  output_bytes_ += now.output + now.specification - use->output - use->specification;
  if (now.output > use->output) memory_->Add(now.output - use->output);
  if (now.output < use->output) memory_->GiveBack(use->output - now.output);
  *use = now;
}

void QuotaUse::Remove(const std::string& process_id) {
  auto found = uses_.find(process_id);
  if (found == uses_.end()) return;
  Replace(&found->second, {});
  uses_.erase(found);
}

void QuotaUse::Clear() {
  for (auto& [process_id, use] : uses_) Replace(&use, {});
  uses_.clear();
}

}  // namespace proctor
