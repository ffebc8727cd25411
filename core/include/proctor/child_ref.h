#pragma once

#include <sys/types.h>

#include "proctor/shared_fd.h"

namespace proctor {

// A process: its number, and a descriptor that still means this process after it was reaped and
// another process has the number. Copies share the descriptor; the last one closes it.
//
// Thread-safety: as SharedFd; a value.
struct ChildRef {
  pid_t pid = 0;     // 0: none
  SharedFd pidfd{};  // pidfd_open(2); empty where the kernel gives none, or none was asked for
};

// Sends a signal through the pidfd, and by the number where there is none or the kernel refuses
// it (an old one, a seccomp filter): it must be known that the number is still that process's.
// Returns an errno: ESRCH if the process is gone.
int SignalChild(const ChildRef& child, int signal);

}  // namespace proctor
