#include "core/spawn/spawn_fence.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "proctor/error.h"

namespace proctor {

absl::Status SpawnFence::Set(int file) {
  int own = -1;
  if (file >= 0) {
    own = ::fcntl(file, F_DUPFD_CLOEXEC, kFirstUnkeptDescriptor);
    if (own < 0) {
      return ErrnoError(absl::StatusCode::kResourceExhausted, Reason::kOutOfDescriptors, "dup",
                        "fence", errno);
    }
  }
  if (const int old = descriptor_.exchange(own); old >= 0) ::close(old);
  return absl::OkStatus();
}

}  // namespace proctor
