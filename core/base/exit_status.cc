#include "proctor/exit_status.h"

#include "absl/strings/str_cat.h"
#include "core/base/signal_name.h"

namespace proctor {

std::string DebugString(const WaitStatus& status) {
  if (status.source == StatusSource::kUnknown) return absl::StrCat("unknown (", status.reason, ")");
  if (status.signal == 0) return absl::StrCat("exit ", status.exit_code);
  return absl::StrCat(SignalName(status.signal), status.core_dumped ? " (core dumped)" : "");
}

}  // namespace proctor
