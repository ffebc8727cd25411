#include "core/loop/loop_error.h"

#include <errno.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "proctor/error.h"

namespace proctor {

absl::Status LoopClosedError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLoopClosed,
                   "the event loop is closed");
}

absl::Status NoCallbackError() { return InvalidField("callback", "a callback is needed"); }

absl::Status LoopRunningError(std::string_view message) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLoopRunning, message);
}

absl::Status LoopCreateError(std::string_view operation, int error) {
  if (error == EMFILE || error == ENFILE || error == ENOMEM) {
    return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kLoopResources, operation, "",
                      error);
  }
  return SystemError(operation, error);
}

absl::Status WatchError(int fd, int error) {
  const std::string object = absl::StrCat("descriptor ", fd);
  switch (error) {
    case EBADF:
    case EPERM:
    case EINVAL:
    case ELOOP:
      return ErrnoError(absl::StatusCode::kInvalidArgument, Reason::kUnwatchableDescriptor, "watch",
                        object, error);
    case ENOMEM:
    case ENOSPC:
      return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kLoopResources, "watch",
                        object, error);
    case ENOENT:
      return ErrnoError(absl::StatusCode::kNotFound, Reason::kDescriptorClosed, "watch", object,
                        error);
    default:
      return SystemError(absl::StrCat("watch '", object, "'"), error);
  }
}

}  // namespace proctor
