#include "core/process/child_stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/process/spawn_error.h"

namespace proctor {
namespace {

constexpr int kFirstFreeDescriptor = 3;

// Moves a descriptor out of the way of 0, 1 and 2, which are free numbers where
// the server was started without them. Returns false with errno set.
bool MoveUp(UniqueFd& fd) {
  if (fd.get() >= kFirstFreeDescriptor) return true;
  int moved = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeDescriptor);
  if (moved < 0) return false;
  fd.Reset(moved);
  return true;
}

bool OpenNull(int flags, UniqueFd& child) {
  child.Reset(::open("/dev/null", flags | O_CLOEXEC));
  return child && MoveUp(child);
}

bool OpenPipe(bool child_reads, UniqueFd& child, UniqueFd& server) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  child.Reset(ends[child_reads ? 0 : 1]);
  server.Reset(ends[child_reads ? 1 : 0]);
  // The two ends are two open files: the flag of one is not that of the other.
  return MoveUp(child) && MoveUp(server) && ::fcntl(server.get(), F_SETFL, O_NONBLOCK) == 0;
}

}  // namespace

absl::StatusOr<ChildStdio> OpenChildStdio(const Command& command) {
  const StdioMode modes[] = {command.stdin_mode, command.stdout_mode, command.stderr_mode};
  ChildStdio stdio;
  for (int i = 0; i < 3; ++i) {
    bool opened = true;
    if (modes[i] == StdioMode::kPipe) {
      opened = OpenPipe(i == STDIN_FILENO, stdio.child[i], stdio.server[i]);
    } else if (modes[i] == StdioMode::kNull) {
      opened = OpenNull(i == STDIN_FILENO ? O_RDONLY : O_WRONLY, stdio.child[i]);
    }
    if (!opened) return PipeError(command, errno);
  }
  return stdio;
}

}  // namespace proctor
