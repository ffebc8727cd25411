#include "proctor/child_ref.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace proctor {

int SignalChild(const ChildRef& child, int signal) {
  if (child.pidfd) {
    const int pidfd = child.pidfd.get();
    if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return 0;
    if (errno == ESRCH) return ESRCH;
  }
  return ::kill(child.pid, signal) == 0 ? 0 : errno;
}

}  // namespace proctor
