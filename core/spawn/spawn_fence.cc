#include "core/spawn/spawn_fence.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>

#include "proctor/error.h"

namespace proctor {
namespace {

std::atomic<int> fence = -1;

}  // namespace

absl::Status SetSpawnFence(int file) {
  int own = -1;
  if (file >= 0) {
    own = ::fcntl(file, F_DUPFD_CLOEXEC, kFirstUnkeptDescriptor);
    if (own < 0) {
      return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors, "dup",
                        "fence", errno);
    }
  }
  if (const int old = fence.exchange(own); old >= 0) ::close(old);
  return absl::OkStatus();
}

int SpawnFence() { return fence.load(std::memory_order_relaxed); }

}  // namespace proctor
