#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

namespace proctor {

// Runs `work` on a new thread of its own: detached, with all signals blocked and a small
// stack (256 KiB). Safe from any thread.
// Errors: ResourceExhausted (OUT_OF_THREADS); `work` is destroyed then.
absl::Status StartDetachedThread(absl::AnyInvocable<void()> work);

}  // namespace proctor
