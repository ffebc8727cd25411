#include "core/ledger/memory_budget.h"

#include "absl/strings/str_cat.h"
#include "core/ledger/quota_error.h"

namespace proctor {

absl::StatusOr<MemoryBudget::Hold> MemoryBudget::Take(std::string_view wanted, uint64_t bytes) {
  uint64_t used = used_;
  do {
    if (most_ != 0 && bytes != 0 && (used > most_ || bytes > most_ - used)) {
      return QuotaError(absl::StrCat(std::string(wanted), " that may take ", bytes, " bytes"),
                        "memory", most_, used);
    }
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return Hold(this, bytes);
}

std::string MemoryBudget::DebugString() const {
  return absl::StrCat("memory: ", used(), most_ == 0 ? "" : absl::StrCat(" of ", most_),
                      " bytes in use, ", given_back(), " given back");
}

}  // namespace proctor
