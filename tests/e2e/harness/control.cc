#include "tests/e2e/harness/control.h"

#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"

namespace proctor {

bool Runs(pid_t pid) {
  std::ifstream stat(absl::StrCat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(stat, text);
  const size_t name_end = text.rfind(')');  // the name may contain anything
  return name_end != std::string::npos && text.substr(name_end + 2, 1) != "Z";
}

void AwaitEnd(pid_t pid) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {  // the process is gone, or the kernel has no pidfds
    while (Runs(pid)) ::sched_yield();
    return;
  }
  pollfd ended{pidfd, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 60000), 1) << "pid " << pid << " does not end";
  ::close(pidfd);
}

}  // namespace proctor
