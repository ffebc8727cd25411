#include "client/cli/output/exit_code.h"

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor::cli {

int ExitCodeOf(const absl::Status& error) {
  switch (ReasonOf(error)) {
    case Reason::kExecutableNotFound:
      return kExitNotFound;
    case Reason::kExecutableNotRunnable:
      return kExitNotRunnable;
    default:
      return kExitFailure;
  }
}

int ExitCodeOf(const v1::ExitStatus& status) {
  switch (status.status_case()) {
    case v1::ExitStatus::kExitCode:
      return status.exit_code() & 0xff;
    case v1::ExitStatus::kSignal:
      return kExitSignalBase + status.signal();
    default:
      return kExitFailure;
  }
}

bool TimedOut(const v1::ExitStatus& status) {
  return status.cause() == v1::EXIT_CAUSE_RUN_TIMEOUT ||
         status.cause() == v1::EXIT_CAUSE_IDLE_TIMEOUT;
}

std::string ExitText(const v1::ExitStatus& status) {
  switch (status.status_case()) {
    case v1::ExitStatus::kExitCode:
      return absl::StrCat(status.exit_code());
    case v1::ExitStatus::kSignal:
      return status.signal_name().empty() ? absl::StrCat("signal ", status.signal())
                                          : status.signal_name();
    default:
      return "?";
  }
}

std::string CrashText(const v1::ExitStatus& status) {
  if (status.cause() != v1::EXIT_CAUSE_CRASHED) return "";
  return absl::StrCat("crashed: ", ExitText(status), status.core_dumped() ? " (core dumped)" : "");
}

}  // namespace proctor::cli
