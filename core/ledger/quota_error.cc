#include "core/ledger/quota_error.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {

absl::Status QuotaError(std::string_view wanted, std::string_view quota, uint64_t limit,
                        uint64_t used) {
  const std::string name(quota);
  return MakeError(
      absl::StatusCode::kResourceExhausted, Reason::kQuotaExceeded,
      absl::StrCat(std::string(wanted), ": ", name, ": ", used, " of ", limit, " are in use"),
      {{"quota", name}, {"limit", absl::StrCat(limit)}, {"used", absl::StrCat(used)}});
}

}  // namespace proctor
