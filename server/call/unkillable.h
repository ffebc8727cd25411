#pragma once

#include "absl/time/time.h"

namespace proctor::server {

// How long an RPC that ends processes waits after SIGKILL. What has not ended then may never
// end: a debugger holds it, or the kernel, on a dead disk.
constexpr absl::Duration kUnkillable = absl::Seconds(10);

}  // namespace proctor::server
